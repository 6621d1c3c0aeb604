//! What is said of named ports of containers.

use crate::diag::{Code, Diagnostic};
use crate::model::NamedPortSupport;
use crate::model::resolve::shorten;
use crate::source::Span;

/// A name that no container port can have.
pub(crate) fn bad_name(at: Span, name: &str) -> Diagnostic {
    let is_number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let help = match is_number {
        true => format!("write the number without quotes: `{name}`"),
        false => {
            "such a name has at most 15 lower-case letters, digits and single `-`, and at least one letter".to_owned()
        }
    };
    Diagnostic::new(Code::E0215, at, format!("`{}` is not the name of a container port", shorten(name))).with_help(help)
}

/// What a CNI does with a named port, where that is not what it should.
pub(crate) fn support(at: Span, cni: &str, name: &str, support: NamedPortSupport) -> Option<Diagnostic> {
    let number = "write the port's number";
    let (code, message, help) = match support {
        NamedPortSupport::Ignored => {
            (Code::E0218, format!("{cni} ignores the name of the port `{name}` and may open every port"), number)
        }
        NamedPortSupport::Refused => {
            (Code::E0218, format!("{cni} refuses a whole policy for its named port `{name}`"), number)
        }
        NamedPortSupport::OneNumber => (
            Code::W0012,
            format!("{cni} drops the named port `{name}` where it is several numbers in different pods"),
            number,
        ),
        NamedPortSupport::NotOnWindows => {
            (Code::W0012, format!("{cni} does not know the named port `{name}` on nodes with Windows"), number)
        }
        NamedPortSupport::OpenUnlisted => {
            (Code::W0012, format!("{cni} opens every port where no pod lists the named port `{name}`"), number)
        }
        NamedPortSupport::NotSaid => (
            Code::W0012,
            format!("not every CNI knows named ports; some ignore the name `{name}` and open every port"),
            "write the port's number, or name the CNI in `platform { cni NAME }`",
        ),
        NamedPortSupport::Known => return None,
    };
    Some(Diagnostic::new(code, at, message).with_help(help))
}
