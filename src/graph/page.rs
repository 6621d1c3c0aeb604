//! One page of HTML that asks for nothing. It holds with scripts off, and its policy lets nothing run or be styled but what is
//! written in it.

use super::escape::{json_in_html, xml};
use sha2::{Digest, Sha256};

/// What all pages look like.
const STYLE: &str = include_str!("page.css");

/// What a page is made of. All but the title is HTML already.
pub(crate) struct HtmlPage<'a> {
    /// What it is called.
    pub title: &'a str,
    /// What kind of page it is, where a command has to know its own ones.
    pub kind: Option<&'a str>,
    /// Styles beside those of all pages, each of which stands in it once.
    pub styles: &'a [&'a str],
    /// Those that pictures in it have of their own.
    pub inner_styles: &'a [&'a str],
    /// The script.
    pub script: &'a str,
    /// What there is to see.
    pub body: &'a str,
    /// The same as data for programs, if any.
    pub data: Option<&'a str>,
}

impl HtmlPage<'_> {
    /// The page.
    pub(crate) fn text(&self) -> String {
        let styles: Vec<String> = [STYLE].iter().chain(self.styles).map(|style| format!("\n{style}")).collect();
        let inner = self.inner_styles.iter().map(|style| format!("\n{style}"));
        let hashes: Vec<String> = styles.iter().cloned().chain(inner).map(|style| hash(&style)).collect();
        let script = format!("\n{}", self.script);
        let data = self
            .data
            .map(|data| format!("<script type=\"application/json\" id=\"data\">{}</script>\n", json_in_html(data)));
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
             content=\"default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"generator\" content=\"polder {}{}\">\n<title>{}</title>\n{}</head>\n<body>\n{}{}\
             <script>{script}</script>\n</body>\n</html>\n",
            hashes.join(" "),
            hash(&script),
            env!("CARGO_PKG_VERSION"),
            self.kind.map(|kind| format!(" ({kind})")).unwrap_or_default(),
            xml(self.title),
            styles.iter().map(|style| format!("<style>{style}</style>\n")).collect::<String>(),
            self.body,
            data.unwrap_or_default(),
        )
    }
}

/// What a page says of itself below.
pub(crate) fn drawn_by() -> String {
    format!("<footer>Made by polder {}.</footer>\n", env!("CARGO_PKG_VERSION"))
}

/// The hash of an inline style or script, as policies write it.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", base64(&Sha256::digest(text.as_bytes())))
}

/// Bytes in base64.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let all = (0..3).fold(0, |all, at| all << 8 | usize::from(three.get(at).copied().unwrap_or_default()));
        for at in 0..4 {
            let letter = LETTERS.get(all >> (18 - 6 * at) & 63).copied().unwrap_or(b'=');
            text.push(if at > three.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_policies_have_them() {
        for (bytes, text) in [("", ""), ("M", "TQ=="), ("Ma", "TWE="), ("Man", "TWFu"), ("Many", "TWFueQ==")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(hash(""), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
    }
}
