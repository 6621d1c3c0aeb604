;;; Emacs with the mode and the language server by Eglot, as a user has them: opens a program, sees the diagnostic,
;;; completes, jumps, renames, formats; and the tree-sitter mode, where POLDER_PARSER is a folder with
;;; libtree-sitter-polder.so.
;;;
;;;   POLDER=target/debug/polder emacs -q --batch -L editors/emacs -l editors/test/eglot.el

(require 'package)
(package-initialize)
(require 'eglot)
(require 'flymake)
(require 'polder-mode)

(defvar done nil)
(defun passed (what) (push what done))

(defun fail (text &rest arguments)
  (message "Emacs: %s" (apply #'format text arguments))
  (kill-emacs 1))

(defmacro wait (what condition)
  `(let ((turns 0))
     (while (not ,condition)
       (accept-process-output nil 0.02)
       (when (> (setq turns (1+ turns)) 500) (fail "waited for %s" ,what)))))

(defun write-program (folder name &rest lines)
  (with-temp-file (expand-file-name name folder) (insert (string-join lines "\n") "\n")))

(defun replace-line (line text)
  (goto-char (point-min))
  (forward-line (1- line))
  (delete-region (line-beginning-position) (line-end-position))
  (insert text))

;; Emacs tells the server when the user stops typing, which a script never does.
(defun rest-a-moment ()
  (eglot--signal-textDocument/didChange))

(defun line-text (line)
  (save-excursion
    (goto-char (point-min))
    (forward-line (1- line))
    (buffer-substring-no-properties (line-beginning-position) (line-end-position))))

(defun run ()
  (let ((folder (make-temp-file "polder" t)))
    (write-program folder "polder.toml" "")
    (write-program folder "data.polder" "namespace data {" "  tier postgres { sql: 5432/tcp }" "}")
    (write-program folder "shop.polder" "namespace shop {" "  tier web" "" "  web -> data/postgres:sql"
                   "  web -> data/postgrs:sql" "}")
    (setq polder-command (getenv "POLDER"))
    (find-file (expand-file-name "shop.polder" folder))
    (unless (eq major-mode 'polder-mode) (fail "the mode is %s" major-mode))
    (setq-local project-find-functions (list (lambda (_) (cons 'transient folder))))
    (setq eglot-sync-connect t eglot-confirm-server-initiated-edits nil eglot-confirm-server-edits nil)
    (apply #'eglot (eglot--guess-contact))
    (wait "the server" (eglot-managed-p))
    (flymake-start)
    (wait "the diagnostic" (flymake-diagnostics))
    (let ((diagnostic (car (flymake-diagnostics))))
      (unless (string-match-p "postgrs" (flymake-diagnostic-text diagnostic))
        (fail "another diagnostic: %s" (flymake-diagnostic-text diagnostic)))
      (unless (= 5 (line-number-at-pos (flymake-diagnostic-beg diagnostic))) (fail "it is in another line")))
    (passed "diagnostic")

    (replace-line 5 "  web -> data/postg")
    (let* ((table (eglot-completion-at-point))
           (offered (all-completions "postg" (nth 2 table))))
      (unless (member "postgres" (mapcar #'substring-no-properties offered)) (fail "offered are %s" offered)))
    (passed "completion")

    (replace-line 5 "   web   ->   data/postgres:sql")
    (rest-a-moment)
    (goto-char (point-min))
    (search-forward "data/post")
    (xref-find-definitions "LSP identifier at point.")
    (unless (string-suffix-p "data.polder" (buffer-file-name (window-buffer)))
      (fail "the jump goes to %s" (buffer-file-name (window-buffer))))
    (passed "jump")

    (set-buffer (find-buffer-visiting (expand-file-name "shop.polder" folder)))
    (goto-char (point-min))
    (search-forward "data/post")
    (eglot-rename "mysql")
    (unless (equal (line-text 4) "  web -> data/mysql:sql") (fail "renamed to %s" (line-text 4)))
    (with-current-buffer (find-file-noselect (expand-file-name "data.polder" folder))
      (unless (string-match-p "tier mysql" (line-text 2)) (fail "the other file has %s" (line-text 2))))
    (passed "rename")

    (rest-a-moment)
    (eglot-format-buffer)
    (unless (equal (line-text 5) "  web -> data/mysql:sql") (fail "formatted to %s" (line-text 5)))
    (passed "format")

    (replace-line 5 "   web   ->   data/mysql:sql")
    (polder-format-buffer)
    (unless (equal (line-text 5) "  web -> data/mysql:sql") (fail "formatted by fmt to %s" (line-text 5)))
    (passed "fmt")

    (when (and (getenv "POLDER_PARSER") (fboundp 'treesit-available-p) (treesit-available-p))
      (setq treesit-extra-load-path (list (getenv "POLDER_PARSER")))
      (with-temp-buffer
        (insert "## Doc.\nnamespace shop {\n  tier web (app=web) { http: 80/tcp }\n  dns -> web:http  # why\n}\n")
        (polder-ts-mode)
        (font-lock-ensure)
        (dolist (expected '(("Doc" . font-lock-doc-face) ("namespace" . font-lock-keyword-face)
                            ("shop" . font-lock-constant-face) ("tier" . font-lock-keyword-face)
                            ("web" . font-lock-type-face) ("http" . font-lock-variable-name-face)
                            ("80" . font-lock-constant-face) ("tcp" . font-lock-builtin-face)
                            ("dns" . font-lock-type-face) ("why" . font-lock-comment-face)))
          (search-backward "#" nil t)
          (goto-char (point-min))
          (search-forward (car expected))
          (unless (eq (get-text-property (match-beginning 0) 'face) (cdr expected))
            (fail "%s has the face %s" (car expected) (get-text-property (match-beginning 0) 'face)))))
      (passed "tree-sitter"))
    (delete-directory folder t)
    (message "Emacs %s: %s" emacs-version (string-join (reverse done) ", "))))

(condition-case problem (run) (error (fail "%S" problem)))
(kill-emacs 0)
