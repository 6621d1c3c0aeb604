//! An internal error is said as one, with a code of its own, and never as an answer.

use super::exit::Exit;
use crate::diag::Code;
use crate::diag::render::sanitize;
use std::any::Any;
use std::io::Write;

/// From now on a panic ends the process with the exit code for "no answer".
pub(super) fn install() {
    std::panic::set_hook(Box::new(|info| {
        tell(info);
        std::process::exit(Exit::CannotAnswer as i32);
    }));
}

/// From now on a panic is told, and whoever catches it goes on.
#[cfg(feature = "lsp")]
pub(super) fn tell_only() {
    std::panic::set_hook(Box::new(tell));
}

fn tell(info: &std::panic::PanicHookInfo<'_>) {
    let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line()));
    let text = text(info.payload(), &place.unwrap_or_default());
    // Nothing is left to do when even this cannot be said.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn text(payload: &dyn Any, place: &str) -> String {
    let words = payload.downcast_ref::<&str>().copied();
    let words = words.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    format!(
        "error[{code}]: internal error in polder {version}{place}: {words}\n  \
         help: this is a mistake in Polder, not in the program; please report it with this message and the source\n",
        code = Code::E0900.as_str(),
        version = env!("CARGO_PKG_VERSION"),
        words = sanitize(words),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use std::process::Command;

    /// Set in the process that is to panic.
    const CHILD: &str = "POLDER_TEST_PANICS";

    #[test]
    fn a_panic_is_an_internal_error() {
        if std::env::var_os(CHILD).is_some() {
            super::install();
            panic!("lost \u{1b}[31m the thread");
        }
        let mut child = Command::new(std::env::current_exe().unwrap());
        let test = "cli::panic::tests::a_panic_is_an_internal_error";
        let output = child.args(["--exact", test, "--nocapture"]).env(CHILD, "1").output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains("error[E0900]: internal error in polder"), "{text}");
        assert!(text.contains("src/cli/panic.rs:"), "{text}");
        assert!(text.contains("please report it"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
