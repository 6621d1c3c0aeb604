//! What looks like an object and is none that a cluster gets: what tests hold against objects, names that a program or a person
//! has yet to fill in.

use super::ReadProblem;

/// What is said of an object without a name, which no cluster takes.
const NAMELESS: [&str; 2] = ["Required value: name is required", "Required value: name or generateName is required"];

/// Whether the problems of one object say that it is a part or a pattern of one, and no mistake.
pub(super) fn is_pattern(problems: &[&mut ReadProblem]) -> bool {
    let is_misspelt = |problem: &&mut ReadProblem| {
        ["metadata", "name", "generateName"].iter().any(|field| {
            let hint = problem.reason.strip_suffix("`?").and_then(|reason| reason.strip_suffix(field));
            hint.is_some_and(|reason| reason.ends_with("did you mean `"))
        })
    };
    let is_nameless = |problem: &&mut ReadProblem| is_of_name(problem) && NAMELESS.contains(&&*problem.reason);
    (problems.iter().any(is_nameless) && !problems.iter().any(is_misspelt))
        || problems.iter().any(|problem| is_expression(problem) || is_placeholder(problem))
}

/// Whether it is about the name or the namespace of the object itself, and not of a template in it.
fn is_of_name(problem: &ReadProblem) -> bool {
    let own = problem.path.rsplit_once("].").map_or(&*problem.path, |(_, own)| own);
    matches!(own, "metadata.name" | "metadata.namespace")
}

/// Whether a key or a value is an expression in brackets, as Chainsaw has them: `(status.replicas >= spec.replicas)`.
fn is_expression(problem: &ReadProblem) -> bool {
    problem.path.contains('(') || (problem.reason.contains("\"(") && problem.reason.contains(")\""))
}

/// Whether a value is to be filled in, as `<node-hostname>` and `@NAME@` are, or a name that says nothing, as `_` and
/// `REPLACE_ME`. The first are so wherever they stand.
fn is_placeholder(problem: &ReadProblem) -> bool {
    let value = problem.reason.strip_prefix("Invalid value: \"").and_then(|rest| rest.split_once("\": "));
    let Some((value, _)) = value else { return false };
    let is_marked = value.split_once('<').is_some_and(|(_, rest)| rest.contains('>')) || value.matches('@').count() > 1;
    let is_word = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let says_nothing = !value.contains(is_word)
        && (value.contains('_') || !value.contains(char::is_alphabetic))
        && !value.contains('$');
    is_marked || (is_of_name(problem) && says_nothing)
}
