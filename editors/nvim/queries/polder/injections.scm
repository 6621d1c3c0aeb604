((comment) @injection.content
  (#set! injection.language "comment"))

; A doc comment becomes the description of policies, as plain text.
((doc_comment) @injection.content
  (#set! injection.language "comment"))
