//! Rules that hold for every file: what it opens with, how long it is, what it may call and say.

use std::collections::BTreeSet;

use crate::source::Source;
use crate::violation::Violation;

/// Longer, and a file is hard to read as one thing.
const MAX_LINES: usize = 500;

/// What leads out of the repository: a page, a machine or a folder that a reader does not have.
/// Written in two halves so that this file does not hold them itself.
const ELSEWHERE: [&str; 3] =
    [concat!("issue", " #"), concat!("/wo", "rk/"), concat!("../sha", "red")];

/// Holds that the file opens with its purpose.
pub(crate) fn check_head(source: &Source) -> Vec<Violation> {
    if source.text.starts_with("//!") {
        return Vec::new();
    }
    vec![Violation::new(
        &source.path,
        1,
        "no purpose: open with a `//!` line that says what the file is for",
    )]
}

/// Holds that the file can be read in one go.
pub(crate) fn check_length(source: &Source) -> Vec<Violation> {
    let lines = source.text.lines().count();
    if lines <= MAX_LINES {
        return Vec::new();
    }
    let message = format!("{lines} lines, at most {MAX_LINES}: split it along its concepts");
    vec![Violation::new(&source.path, MAX_LINES + 1, message)]
}

/// Holds that nothing but a test panics on an error or a missing value unless it says why it cannot.
pub(crate) fn check_panics(
    source: &Source,
    test_modules: &BTreeSet<Vec<String>>,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let lines: Vec<&str> = source.text.lines().collect();
    for (index, token) in source.tokens.iter().enumerate() {
        let in_test_file =
            (1..=token.module.len()).any(|end| test_modules.contains(&token.module[..end]));
        let is_call =
            source.word(index.checked_sub(1)) == "." && source.word(Some(index + 1)) == "(";
        if token.is_test || in_test_file || !is_call {
            continue;
        }
        let message = match token.text.as_str() {
            "unwrap" if source.word(Some(index + 2)) == ")" => {
                "`.unwrap()`: hand the error on, or use `.expect(..)` under a `// PANIC:` comment"
            }
            "expect" if !says_why(&lines, token.line) => {
                "`.expect(..)`: hand the error on, or say why it cannot fail in a `// PANIC:` comment above"
            }
            _ => continue,
        };
        violations.push(Violation::new(&source.path, token.line, message));
    }
    violations
}

/// There is a `// PANIC:` on the line (counted from 1) or in the comment right above it.
fn says_why(lines: &[&str], line: usize) -> bool {
    let above =
        lines[..line - 1].iter().rev().take_while(|line| line.trim_start().starts_with("//"));
    lines[line - 1..line].iter().chain(above).any(|line| line.contains("// PANIC:"))
}

/// Holds that a text speaks of the project alone and leads to nothing a reader does not have.
pub(crate) fn check_self_contained(path: &str, text: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let lower = line.to_lowercase();
        if let Some(found) = ELSEWHERE.into_iter().find(|elsewhere| lower.contains(elsewhere)) {
            let message = format!("`{found}` leads out of the project: say the thing itself");
            violations.push(Violation::new(path, index + 1, message));
        }
    }
    violations
}

mod tests {
    use super::*;
    use crate::violation::assert_are;

    #[test]
    fn a_missing_purpose_is_found() {
        let message = "a.rs:1: no purpose: open with a `//!` line that says what the file is for";
        assert_are(&check_head(&Source::new("a.rs", "use a;\n//! Late.")), &[message]);
        assert_are(&check_head(&Source::new("a.rs", "/// An item's.\nfn f() {}")), &[message]);
        assert_are(&check_head(&Source::new("a.rs", "")), &[message]);
        assert_are(&check_head(&Source::new("a.rs", "//! Says why.\n")), &[]);
    }

    #[test]
    fn a_long_file_is_found() {
        let message = "a.rs:501: 501 lines, at most 500: split it along its concepts";
        assert_are(&check_length(&Source::new("a.rs", "\n".repeat(501))), &[message]);
        assert_are(&check_length(&Source::new("a.rs", "\n".repeat(500))), &[]);
    }

    #[test]
    fn an_unwrap_is_found_outside_tests() {
        let check =
            |text: &str| check_panics(&Source::new("src/live/a.rs", text), &BTreeSet::new());
        let unwrap = "src/live/a.rs:2: `.unwrap()`: hand the error on, \
                      or use `.expect(..)` under a `// PANIC:` comment";
        let expect = "src/live/a.rs:2: `.expect(..)`: hand the error on, \
                      or say why it cannot fail in a `// PANIC:` comment above";
        assert_are(&check("fn f() {\na.unwrap();}"), &[unwrap]);
        assert_are(&check("// PANIC: never.\na.unwrap();"), &[unwrap]);
        assert_are(&check("let a = b\n    .expect(\"c\");"), &[expect]);
        assert_are(&check("// PANIC: never,\n// as one sees.\na.expect(\"c\");"), &[]);
        assert_are(&check("a.expect(\"c\"); // PANIC: never."), &[]);
        assert_are(&check("a.unwrap_or(1); fn unwrap() {} // a.unwrap()"), &[]);
        assert_are(&check("#[cfg(test)]\nmod tests { fn f() { a.unwrap(); } }"), &[]);
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_may_unwrap() {
        let source = Source::new("src/live/tests.rs", "//! Tests.\nfn f() { a.unwrap(); }");
        let test_modules = BTreeSet::from([vec!["live".to_owned(), "tests".to_owned()]]);
        assert_eq!(check_panics(&source, &BTreeSet::new()).len(), 1);
        assert_are(&check_panics(&source, &test_modules), &[]);
    }

    #[test]
    fn a_lead_out_of_the_project_is_found() {
        let text =
            ["fine", concat!("see Issue", " #12"), concat!("cd /wo", "rk/main"), "fine"].join("\n");
        assert_are(
            &check_self_contained("a.md", &text),
            &[
                concat!("a.md:2: `issue", " #` leads out of the project: say the thing itself"),
                concat!("a.md:3: `/wo", "rk/` leads out of the project: say the thing itself"),
            ],
        );
        let text = concat!("[plan](../sha", "red/plan.md)");
        assert_eq!(check_self_contained("a.md", text).len(), 1);
    }
}
