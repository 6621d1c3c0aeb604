;;; The mode for Emacs: words have the right faces, and indenting what `polder fmt' wrote changes nothing.
;;;
;;;   emacs -Q --batch -L editors/emacs -l editors/test/emacs.el -f ert-run-tests-batch-and-exit

(require 'ert)
(require 'polder-mode)

(defconst polder-test-program
  "# What the customers see.
## The pages.
external namespace tenants (tenant, env=prod)
namespace shop {
  tier web (app=web, track in (stable)) { http: 8080/tcp }
  isolate ingress
  dns -> shop/web:8080/tcp
  web -> dns:http
  never cluster -> web except dns
}
cidr office = 203.0.113.0/24
platform { dns strict }
")

(defconst polder-test-faces
  '(("What" . font-lock-comment-face)
    ("The pages" . font-lock-doc-face)
    ("external" . font-lock-keyword-face)
    ("tenants" . font-lock-constant-face)
    ("env" . font-lock-variable-name-face)
    ("prod" . font-lock-string-face)
    ("namespace shop" . font-lock-keyword-face)
    ("shop {" . font-lock-constant-face)
    ("tier" . font-lock-keyword-face)
    ("web (" . font-lock-type-face)
    ("in (stable" . font-lock-keyword-face)
    ("http: " . font-lock-variable-name-face)
    ("8080/tcp }" . font-lock-constant-face)
    ("tcp }" . font-lock-builtin-face)
    ("isolate" . font-lock-keyword-face)
    ("ingress" . font-lock-builtin-face)
    ("dns ->" . nil)
    ("-> shop" . font-lock-keyword-face)
    ("shop/web" . font-lock-constant-face)
    ("never" . font-lock-keyword-face)
    ("cluster" . font-lock-builtin-face)
    ("except" . font-lock-keyword-face)
    ("cidr" . font-lock-keyword-face)
    ("office" . font-lock-type-face)
    ("203.0" . font-lock-string-face)
    ("platform" . font-lock-keyword-face)
    ("dns strict" . font-lock-keyword-face)
    ("strict" . font-lock-builtin-face))
  "Places of the program, by what stands there, and their faces.")

(ert-deftest polder-faces ()
  (with-temp-buffer
    (insert polder-test-program)
    (polder-mode)
    (font-lock-ensure)
    (dolist (expected polder-test-faces)
      (goto-char (point-min))
      (search-forward (car expected))
      (should (equal (cons (car expected) (get-text-property (match-beginning 0) 'face)) expected)))))

(ert-deftest polder-indentation ()
  (let ((files (append (directory-files-recursively "examples" "\\.polder\\'")
                       (directory-files-recursively "src/model/catalogue" "\\.polder\\'")
                       (directory-files "tests/fmt" t "\\.formatted\\'"))))
    (should (> (length files) 40))
    (dolist (file files)
      (with-temp-buffer
        (insert-file-contents file)
        (polder-mode)
        (let ((before (buffer-string)) (inhibit-message t))
          (indent-region (point-min) (point-max))
          (should (equal (buffer-string) before)))))))
