//! What a rule reports: a place, what is wrong there, and what to do about it.

use std::fmt;

/// One broken rule at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: String,
    line: usize,
    message: String,
}

impl Violation {
    pub(crate) fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Fails with every violation on a line of its own, in the order of the tree.
#[track_caller]
pub(crate) fn assert_none(mut violations: Vec<Violation>) {
    violations.sort();
    violations.dedup();
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{} broken rules:\n{}", lines.len(), lines.join("\n"));
}

/// Holds that `violations` are these `path:line: message` lines; for the tests of the rules.
#[track_caller]
pub(crate) fn assert_are(violations: &[Violation], expected: &[&str]) {
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert_eq!(lines, expected);
}
