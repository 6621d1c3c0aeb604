//! Paths and the addresses that editors give to them.

use lsp_types::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::path::{Path, PathBuf};

/// What stays as it is in an address.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The path of a document. One that is in no file, such as one never saved, gets a path that no file has.
pub(super) fn path_of(uri: &Uri) -> PathBuf {
    file_path(&uri.0).unwrap_or_else(|| {
        let name = utf8_percent_encode(&uri.0, NON_ALPHANUMERIC).to_string();
        PathBuf::from("/").join("%").join(name)
    })
}

/// Whether a path is that of a document in no file.
pub(super) fn is_in_no_file(path: &Path) -> bool {
    path.starts_with("/%")
}

fn file_path(uri: &str) -> Option<PathBuf> {
    let rest = uri.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("file://")).and_then(|_| uri.get(7..))?;
    let (host, path) = rest.split_at(rest.find('/')?);
    let path = path.split(['?', '#']).next().unwrap_or("");
    let path = percent_decode_str(path).decode_utf8().ok()?;
    if !host.is_empty() && !host.eq_ignore_ascii_case("localhost") {
        return Some(PathBuf::from(format!("//{host}{path}")));
    }
    // `/c:/folder` is a path with a drive.
    let drive = path
        .as_bytes()
        .get(1..3)
        .is_some_and(|start| matches!(start, [letter, b':'] if letter.is_ascii_alphabetic()) && path.len() > 3);
    Some(PathBuf::from(if drive && cfg!(windows) { path.get(1..).unwrap_or("") } else { &path }))
}

/// The address of a file.
pub(super) fn uri_of(path: &Path) -> Uri {
    let text = path.to_string_lossy().replace('\\', "/");
    // How Windows writes a path that may be long.
    let text = text.strip_prefix("//?/").unwrap_or(&text);
    let slash = if text.starts_with('/') { "" } else { "/" };
    Uri(format!("file://{slash}{}", utf8_percent_encode(text, ESCAPED)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_addresses_lead_to_each_other() {
        for (path, uri) in [
            ("/a/b.polder", "file:///a/b.polder"),
            ("/a b/ü#?%.polder", "file:///a%20b/%C3%BC%23%3F%25.polder"),
            ("/work/c:/d", "file:///work/c%3A/d"),
        ] {
            assert_eq!(uri_of(Path::new(path)).0, uri);
            assert_eq!(path_of(&Uri(uri.to_owned())), Path::new(path));
        }
        assert_eq!(path_of(&Uri("FILE://localhost/a.polder".to_owned())), Path::new("/a.polder"));
        assert_eq!(uri_of(Path::new(r"\\?\C:\shop")).0, "file:///C%3A/shop");
    }

    #[test]
    fn a_document_in_no_file_has_a_path_of_its_own() {
        for uri in ["untitled:Untitled-1", "git:/a/b.polder?x", "file:", "", "ü"] {
            let path = path_of(&Uri(uri.to_owned()));
            assert!(is_in_no_file(&path) && path.is_absolute(), "{path:?}");
        }
        assert_ne!(path_of(&Uri("untitled:1".to_owned())), path_of(&Uri("untitled:2".to_owned())));
    }
}
