;;; polder-mode.el --- Polder, flows that become Kubernetes NetworkPolicies  -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "27.1"))
;; Keywords: languages, tools
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; `polder-mode' colours and indents Polder programs in every Emacs from 27.1 on.  `polder-ts-mode' does it by the
;; tree-sitter grammar, in Emacs 29 and newer, where that is installed.  Both know the language server by Eglot.

;;; Code:

(require 'compile)
(require 'subr-x)
(require 'treesit nil t)

(declare-function treesit-font-lock-rules "treesit")
(declare-function treesit-major-mode-setup "treesit")
(declare-function treesit-parser-create "treesit.c")
(declare-function treesit-ready-p "treesit")
(defvar treesit-defun-type-regexp)
(defvar treesit-font-lock-feature-list)
(defvar treesit-font-lock-settings)

(defgroup polder nil
  "Polder, flows that become Kubernetes NetworkPolicies."
  :group 'languages)

(defcustom polder-command "polder"
  "The polder to run."
  :type 'string
  :group 'polder)

(defcustom polder-indent-offset 2
  "How much deeper a block stands."
  :type 'integer
  :safe #'integerp
  :group 'polder)

;;;; Words

(defconst polder-statement-words
  '("namespace" "external" "platform" "environment" "use" "tier" "group" "cidr" "fqdn" "ports" "isolate" "disjoint" "label" "dns"
    "never" "only" "always" "ingress" "egress" "cni" "apiserver" "nodes" "pods" "services")
  "The words that start a statement or an entry.")

(defconst polder-inner-words '("through" "except" "for" "in" "notin")
  "The keywords inside of statements.")

(defconst polder-built-in '("cluster" "internet" "anywhere" "apiserver" "nodes")
  "The endpoints that are built in.")

(defconst polder-choices '("ingress" "egress" "none" "cluster" "strict" "openshift" "any")
  "What `isolate' and `dns' take.")

;;;; Colours

(defconst polder--name "[A-Za-z0-9_]+\\(?:-+[A-Za-z0-9_]+\\)*")

(defun polder--match-statement (limit)
  "Find the next keyword before LIMIT that starts a statement.
Before an arrow, a slash, a colon or a comma it is a name."
  (let ((words (concat "\\(?:^\\|{\\)[ \t]*\\(" (regexp-opt polder-statement-words) "\\)\\_>")) (found nil))
    (while (and (not found) (re-search-forward words limit t))
      (setq found (not (looking-at-p "[ \t]*\\(?:->\\|[/:,]\\)"))))
    found))

(defun polder--names-end ()
  "The end of the names that go on at point."
  (save-excursion
    (skip-chars-forward "A-Za-z0-9_, \t-")
    (point)))

(defvar polder-font-lock-keywords
  `((,(concat "\\(?:^\\|{\\)[ \t]*\\(external\\)[ \t]+\\(namespace\\)[ \t]+\\(" polder--name "\\)")
     (1 font-lock-keyword-face) (2 font-lock-keyword-face) (3 font-lock-constant-face))
    (,(concat "\\(?:^\\|{\\)[ \t]*\\(namespace\\|environment\\)[ \t]+\\(" polder--name "\\)")
     (1 font-lock-keyword-face) (2 font-lock-constant-face))
    ;; The other names of a block.
    (,(concat "\\(?:^\\|{\\)[ \t]*\\(?:external[ \t]+\\)?namespace[ \t]+" polder--name "[ \t]*,")
     (,(concat "[ \t]*\\(" polder--name "\\)[ \t]*,?")
      (polder--names-end) nil (1 font-lock-constant-face)))
    (,(concat "\\(?:^\\|{\\)[ \t]*\\(?:tier\\|group\\|cidr\\|fqdn\\|ports\\)[ \t]+\\(?:\\(" polder--name "\\)/\\)?\\("
              polder--name "\\)")
     (1 font-lock-constant-face nil t) (2 font-lock-type-face))
    (polder--match-statement 1 font-lock-keyword-face)
    ("[ \t]\\(except\\|for\\)[ \t]" 1 font-lock-keyword-face)
    ("[ \t]\\(through[ \t]+dns\\)\\_>" 1 font-lock-keyword-face)
    ("[ \t]\\(in\\|notin\\)[ \t]*(" 1 font-lock-keyword-face)
    (,(concat "\\_<isolate[ \t]+\\(" (regexp-opt polder-choices) "\\)\\_>\\(?:[ \t]*,[ \t]*\\("
              (regexp-opt polder-choices) "\\)\\_>\\)?")
     (1 font-lock-builtin-face) (2 font-lock-builtin-face nil t))
    (,(concat "\\_<\\(?:dns\\|cni\\)[ \t]+\\(" polder--name "\\)\\(?:[ \t]*[,}#\n]\\|[ \t]*$\\|[ \t]+v?[0-9]\\)") 1 font-lock-builtin-face)
    ;; Addresses, DNS names.
    ("[0-9]+\\(?:\\.[0-9]+\\)\\{3\\}\\(?:/[0-9]+\\)?\\|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:]*\\(?:/[0-9]+\\)?"
     0 font-lock-string-face)
    ;; Selectors.
    ("[(,][ \t]*!?\\([A-Za-z0-9._/-]+\\)[ \t]*[!=]=?[ \t]*\\([A-Za-z0-9._/:*-]*\\)"
     (1 font-lock-variable-name-face) (2 font-lock-string-face))
    ;; Ports.
    (":[ \t]*{?\\([0-9]+\\(?:-[0-9]+\\)?\\)\\_>" 1 font-lock-constant-face)
    ("[0-9*\"}a-z]/\\(tcp\\|udp\\|sctp\\)\\_>" 1 font-lock-builtin-face)
    (,(concat "[{,\n][ \t]*\\(" polder--name "\\)[ \t]*:[ \t]") 1 font-lock-variable-name-face)
    ;; Endpoints.
    (,(concat "\\_<\\(" polder--name "\\)/\\(?:[*{]\\|\\(" polder--name "\\)\\)")
     (1 font-lock-constant-face) (2 font-lock-type-face nil t))
    (,(concat "\\_<" (regexp-opt polder-built-in t) "\\_>") 1 font-lock-builtin-face)
    ("->>?" 0 font-lock-keyword-face))
  "Colours of `polder-mode'.")

(defvar polder-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?\" "\"" table)
    (dolist (character '(?- ?_ ?.))
      (modify-syntax-entry character "_" table))
    (dolist (character '(?/ ?: ?= ?! ?* ?>))
      (modify-syntax-entry character "." table))
    table)
  "Syntax table of Polder programs.")

(defun polder--comment-face (state)
  "The face of the string or comment that STATE is in.
Doc comments begin with two signs."
  (cond ((nth 3 state) font-lock-string-face)
        ((save-excursion (goto-char (nth 8 state)) (looking-at-p "##")) font-lock-doc-face)
        (t font-lock-comment-face)))

;;;; Indenting, as `polder fmt' writes programs

(defun polder--code (&optional line-start)
  "The line at LINE-START, or at point, without its comment."
  (save-excursion
    (when line-start (goto-char line-start))
    (string-trim-right
     (replace-regexp-in-string "#.*" "" (buffer-substring-no-properties (line-beginning-position)
                                                                        (line-end-position))))))

(defun polder--open ()
  "The place of the bracket that is open where the line begins, or nil."
  (save-excursion
    (nth 1 (syntax-ppss (line-beginning-position)))))

(defconst polder--head "\\`[ \t]*\\(external[ \t]+\\)?\\(namespace\\|platform\\|environment\\)\\_>"
  "What the first line of a block begins with.")

(defun polder--block (open)
  "The place of the head of the block whose bracket is at OPEN.
Nil where it holds a list."
  (save-excursion
    (goto-char open)
    (and (eq (char-after) ?{)
         (let ((above t))
           ;; The head may have a selector of several lines: `) {'.
           (while (and above (string-match-p "\\`[ \t]*)" (polder--code)))
             (setq above (polder--open))
             (when above (goto-char above)))
           ;; It may name several namespaces, each on its line.
           (let ((more t))
             (while (and more (not (string-match-p polder--head (polder--code))))
               (setq more (zerop (forward-line -1)))
               (when (and more (not (string-match-p ",\\'\\|\\`[ \t]*\\'" (polder--code))))
                 (setq more nil)))
             (and more (line-beginning-position)))))))

(defun polder--continued (limit)
  "How many steps deeper than its statement the line stands.
Nothing above LIMIT is of the statement."
  (save-excursion
    (let ((steps 0) (more t))
      (beginning-of-line)
      (while (and more (zerop (forward-line -1)) (> (point) limit))
        (let ((code (polder--code)))
          (cond ((string-match-p "\\`[ \t]*\\'" code))
                ((string-match-p "\\(?:->>?\\|[,=]\\)\\'" code)
                 ;; The list behind `except' and `for' stands deeper than the first one, names deeper than what is
                 ;; in their block.
                 (setq steps (max steps (if (string-match-p "[ \t]\\(except\\|for\\)[ \t]\\|\\`[ \t]*\\(external[ \t]+\\)?namespace\\_>" code) 2 1))))
                (t (setq more nil)))))
      steps)))

(defun polder--indentation ()
  "The column that the line should begin in."
  (let ((open (polder--open)))
    (save-excursion
      (back-to-indentation)
      (let ((closes (looking-at-p "[})]")))
        (cond ((not open) (* polder-indent-offset (polder--continued -1)))
              (t (let* ((block (polder--block open))
                        (steps (cond (closes -1) (block (polder--continued open)) (t 0))))
                   (goto-char (or block open))
                   (+ (current-indentation) (* polder-indent-offset (1+ steps))))))))))

(defun polder-indent-line ()
  "Indent the line."
  (interactive)
  (let ((column (polder--indentation)))
    (if (<= (current-column) (current-indentation))
        (indent-line-to column)
      (save-excursion (indent-line-to column)))))

;;;; Commands

(defun polder-root ()
  "The folder of the program.
That is the nearest one upwards with polder.toml, or that of the file."
  (expand-file-name (or (locate-dominating-file default-directory "polder.toml") default-directory)))

(defun polder-check ()
  "Check the program, and list what is wrong."
  (interactive)
  (let ((default-directory (polder-root)))
    (compile (concat (shell-quote-argument polder-command) " check --format short"))))

(defun polder-format-buffer ()
  "Bring the buffer into canonical form, unless not all of it is understood."
  (interactive)
  (let ((result (generate-new-buffer " *polder fmt*"))
        (source (current-buffer)))
    (unwind-protect
        (pcase (call-process-region (point-min) (point-max) polder-command nil (list result nil) nil "fmt" "-")
          (0 (with-current-buffer source (replace-buffer-contents result)))
          (1 (user-error "It stays as it is: not all of it is understood, see `polder-check'"))
          (_ (user-error "`%s fmt -' failed" polder-command)))
      (kill-buffer result))))

(defun polder-show-manifests ()
  "Show the NetworkPolicies of the program in another window."
  (interactive)
  (let* ((root (polder-root))
         (program (if (file-exists-p (expand-file-name "polder.toml" root)) root buffer-file-name))
         (buffer (get-buffer-create "*polder manifests*")))
    (with-current-buffer buffer
      (let ((inhibit-read-only t))
        (erase-buffer)
        (call-process polder-command nil t nil "build" "-o" "-" program)
        (goto-char (point-min)))
      (when (fboundp 'yaml-mode) (funcall 'yaml-mode))
      (view-mode 1))
    (display-buffer buffer)))

(add-to-list 'compilation-error-regexp-alist-alist
             '(polder "^\\(.+?\\):\\([0-9]+\\):\\([0-9]+\\): \\(?:error\\|\\(warning\\)\\): .*" 1 2 3 (4)))
(add-to-list 'compilation-error-regexp-alist 'polder)

;;;; Modes

(defvar polder-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-c") #'polder-check)
    (define-key map (kbd "C-c C-f") #'polder-format-buffer)
    (define-key map (kbd "C-c C-y") #'polder-show-manifests)
    map)
  "Keys of Polder programs.")

(defvar polder-imenu-expression
  `(("Namespaces" ,(concat "^[ \t]*\\(?:external[ \t]+\\)?namespace[ \t]+\\(" polder--name "\\)") 1)
    ("Tiers" ,(concat "^[ \t]*tier[ \t]+\\(" polder--name "\\)") 1)
    ("Groups" ,(concat "^[ \t]*group[ \t]+\\(" polder--name "\\)") 1)
    ("Addresses" ,(concat "^[ \t]*\\(?:cidr\\|fqdn\\)[ \t]+\\(" polder--name "\\)") 1))
  "What the index of a program lists.")

(defun polder--common ()
  "What both modes have."
  (setq-local comment-start "# ")
  (setq-local comment-start-skip "#+[ \t]*")
  (setq-local indent-tabs-mode nil)
  (setq-local tab-width 2)
  (setq-local electric-indent-chars (append "})" electric-indent-chars))
  (setq-local imenu-generic-expression polder-imenu-expression))

;;;###autoload
(define-derived-mode polder-mode prog-mode "Polder"
  "Polder programs."
  :syntax-table polder-mode-syntax-table
  (polder--common)
  (setq-local indent-line-function #'polder-indent-line)
  (setq-local font-lock-defaults
              '(polder-font-lock-keywords nil nil nil
                                          (font-lock-syntactic-face-function . polder--comment-face))))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.polder\\'" . polder-mode))

;;;; Tree-sitter, in Emacs 29 and newer

(defvar polder-ts-queries
  '(:language polder :feature comment
    ([(comment) (directive)] @font-lock-comment-face
     (doc_comment) @font-lock-doc-face)
    :language polder :feature keyword
    (["namespace" "external" "platform" "environment" "use" "tier" "group" "cidr" "fqdn" "ports" "isolate" "for"
      "disjoint" "label" "dns" "never" "only" "always" "through" "except" "in" "notin" "cni" "pods" "services"]
     @font-lock-keyword-face
     (flow side: ["ingress" "egress"] @font-lock-keyword-face)
     (address_entry key: ["apiserver" "nodes"] @font-lock-keyword-face))
    :language polder :feature definition
    ((tier_declaration name: (name) @font-lock-type-face)
     (group_declaration name: (name) @font-lock-type-face)
     (cidr_declaration name: (name) @font-lock-type-face)
     (fqdn_declaration name: (name) @font-lock-type-face)
     (ports_declaration name: (name) @font-lock-variable-name-face)
     (port_entry name: (name) @font-lock-variable-name-face)
     (namespace_declaration name: (name) @font-lock-constant-face)
     (environment_declaration name: (name) @font-lock-constant-face))
    :language polder :feature reference
    ((endpoint name: (name) @font-lock-type-face)
     (endpoint namespace: (name) @font-lock-constant-face)
     (endpoint_set namespace: (name) @font-lock-constant-face)
     (dns_server name: (name) @font-lock-type-face)
     (dns_server namespace: (name) @font-lock-constant-face)
     (isolate_statement tier: (name) @font-lock-type-face)
     (disjoint_statement tier: (name) @font-lock-type-face)
     (port name: (name) @font-lock-variable-name-face)
     (use_statement (name) @font-lock-constant-face)
     (namespace_replacement (name) @font-lock-constant-face))
    :language polder :feature constant
    ([(preset) (direction) (protocol) (wildcard) (built_in)] @font-lock-builtin-face
     (cni_entry (name) @font-lock-builtin-face)
     [(number) (version)] @font-lock-constant-face)
    :language polder :feature string
    ([(string) (address) (dns_name) (label_value)] @font-lock-string-face
     (label_key) @font-lock-variable-name-face)
    :language polder :feature operator
    (["->" "->>"] @font-lock-keyword-face))
  "Colours of `polder-ts-mode'.")

;;;###autoload
(define-derived-mode polder-ts-mode prog-mode "Polder"
  "Polder programs, by the tree-sitter grammar."
  :syntax-table polder-mode-syntax-table
  (unless (and (fboundp 'treesit-ready-p) (treesit-ready-p 'polder))
    (user-error "The tree-sitter grammar of Polder is not installed"))
  (polder--common)
  (treesit-parser-create 'polder)
  (setq-local indent-line-function #'polder-indent-line)
  (setq-local treesit-font-lock-settings (apply #'treesit-font-lock-rules polder-ts-queries))
  (setq-local treesit-font-lock-feature-list
              '((comment definition) (keyword string) (constant reference) (operator)))
  (setq-local treesit-defun-type-regexp "\\`\\(?:namespace\\|platform\\|environment\\)_declaration\\'")
  (treesit-major-mode-setup))

(set-keymap-parent polder-mode-map prog-mode-map)
(defvar polder-ts-mode-map)
(set-keymap-parent polder-ts-mode-map polder-mode-map)

;;;; The language server

(defvar eglot-server-programs)
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs
               '((polder-mode polder-ts-mode) . (lambda (&rest _) (list polder-command "lsp")))))

(provide 'polder-mode)
;;; polder-mode.el ends here
