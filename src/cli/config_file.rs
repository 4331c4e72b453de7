//! Files of options: their lines are put before what was typed, so that what is typed wins. The trainer takes one by
//! `--config FILE.toml`, `sideman` has one of its own besides.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use toml::{Table, Value};

/// Names the file.
pub(crate) const OPTION: &str = "--config";
/// No file of options is longer.
const MAX_BYTES: u64 = 1 << 16;

/// An option of a file, as if it had been typed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    /// Its name, without dashes.
    pub(crate) name: String,
    /// What would have been typed.
    pub(crate) word: String,
}

/// Reads a file of options.
pub(crate) fn read(path: &Path) -> Result<Table> {
    let shown = path.display();
    if fs::metadata(path).with_context(|| shown.to_string())?.len() > MAX_BYTES {
        bail!("{shown}: more than {MAX_BYTES} bytes, this is no file of options");
    }
    let text = fs::read_to_string(path).with_context(|| shown.to_string())?;
    parse(&text).with_context(|| shown.to_string())
}

fn parse(text: &str) -> Result<Table> {
    // Its own words have a picture of the line after them.
    toml::from_str(text).map_err(|e| anyhow::anyhow!("{}", e.message()))
}

/// A file's lines as options of a command; `program` is how users call it.
pub(crate) fn lines(table: Table, command: &clap::Command, program: &str) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (key, value) in table {
        let name = key.replace('_', "-");
        let known = command.get_arguments().find(|a| a.get_long() == Some(name.as_str()));
        let Some(argument) = known.filter(|_| name != "config") else {
            bail!("'{key}' is no option of `{program}`; `--help` lists them");
        };
        let mut put = |word: String| lines.push(Line { name: name.clone(), word });
        let takes_value = argument.get_action().takes_values();
        let values = match value {
            Value::Array(values) => values,
            // `name = value` below the option's own heading.
            Value::Table(pairs) if takes_value => {
                for (inner, value) in pairs {
                    let Some(text) = written(&value) else {
                        bail!("'{key}.{inner}' is a number, a text, or true or false");
                    };
                    put(format!("--{name}={inner}={text}"));
                }
                continue;
            }
            value => vec![value],
        };
        for value in values {
            match (value, takes_value) {
                (Value::Boolean(true), false) => put(format!("--{name}")),
                (Value::Boolean(false), false) => {}
                (_, false) => bail!("'{key}' is true or false"),
                (Value::Boolean(_), true) => {
                    bail!("'{key}' is a number, a text, or a list of these")
                }
                (value, true) => match written(&value) {
                    Some(text) => put(format!("--{name}={text}")),
                    None => bail!("'{key}' is a number, a text, or a list of these"),
                },
            }
        }
    }
    Ok(lines)
}

fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(on) => Some(on.to_string()),
        _ => None,
    }
}

/// The file that was typed, if any.
pub(crate) fn named(typed: &[OsString]) -> Option<OsString> {
    let mut words = typed.iter();
    while let Some(word) = words.next() {
        let word = word.to_str().unwrap_or_default();
        if word == OPTION {
            return words.next().cloned();
        }
        if let Some(path) = word.strip_prefix(OPTION).and_then(|w| w.strip_prefix('=')) {
            return Some(path.into());
        }
    }
    None
}

/// What was typed to the trainer, with the options of the file that it names put before the rest.
///
/// # Errors
/// When the file can't be read or holds what is no option of the verb.
#[cfg(feature = "train")]
pub fn with_config_file(typed: impl Iterator<Item = OsString>) -> Result<Vec<OsString>> {
    let typed: Vec<OsString> = typed.collect();
    let Some(path) = typed.get(2..).and_then(named) else { return Ok(typed) };
    let verb = typed.get(1).and_then(|v| v.to_str()).unwrap_or_default();
    let options = read(Path::new(&path)).and_then(|table| of_verb(table, verb)).context(OPTION)?;
    let (head, rest) = typed.split_at(2);
    let options = options.into_iter().map(|line| line.word.into());
    Ok(head.iter().cloned().chain(options).chain(rest.iter().cloned()).collect())
}

#[cfg(feature = "train")]
fn of_verb(table: Table, verb: &str) -> Result<Vec<Line>> {
    use clap::CommandFactory as _;
    let cli = crate::cli::train_args::TrainCli::command();
    let command = cli.find_subcommand(verb).context("no verb comes before it")?;
    lines(table, command, &format!("sideman-train {verb}"))
}

#[cfg(all(test, feature = "train"))]
mod tests {
    use super::*;

    fn options(text: &str, verb: &str) -> Result<Vec<String>> {
        let lines = of_verb(parse(text)?, verb)?;
        Ok(lines.into_iter().map(|line| line.word).collect())
    }

    #[test]
    fn lines_become_options() {
        let text = "recipe = \"rock\"\nepochs = 3\nmin_confidence = 0.5\ndedupe = true\nsweep = false\n\
                    lrs = [0.01, 0.001]\n";
        let mut words = options(text, "lstm").unwrap();
        words.sort();
        let expected = [
            "--dedupe",
            "--epochs=3",
            "--lrs=0.001",
            "--lrs=0.01",
            "--min-confidence=0.5",
            "--recipe=rock",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn what_is_no_option_is_named() {
        let check = |text: &str, part: &str| {
            let message = format!("{:#}", options(text, "lstm").unwrap_err());
            assert!(message.contains(part) && message.lines().count() == 1, "{message}");
        };
        check("epoch = 3", "'epoch' is no option of `sideman-train lstm`");
        check("config = \"x\"", "'config' is no option");
        check("dedupe = 1", "'dedupe' is true or false");
        check("epochs = { a = [1] }", "'epochs.a' is a number, a text");
        check("epochs = ", "");
        assert!(options("epochs = 3", "dance").is_err());
    }

    #[test]
    fn the_file_comes_before_what_is_typed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        fs::write(&path, "epochs = 3\n").unwrap();
        let path = path.to_str().unwrap();
        let typed = ["sideman-train", "lstm", "--epochs", "5", "--config", path];
        let words = with_config_file(typed.iter().map(OsString::from)).unwrap();
        assert_eq!(words[2], "--epochs=3");
        assert_eq!(words[3..], typed[2..]);
        let plain = ["sideman-train", "--help"].map(OsString::from);
        assert_eq!(with_config_file(plain.clone().into_iter()).unwrap(), plain);
    }
}
