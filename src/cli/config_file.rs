//! `--config FILE.toml`: a file of options. Its lines are put before what was typed, so that what is typed wins.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::CommandFactory;
use toml::Value;

use crate::cli::train_args::TrainCli;

const OPTION: &str = "--config";
/// No file of options is longer.
const MAX_BYTES: u64 = 1 << 16;

/// What was typed, with the options of the file that it names put before the rest.
///
/// # Errors
/// When the file can't be read or holds what is no option of the verb.
pub fn with_config_file(typed: impl Iterator<Item = OsString>) -> Result<Vec<OsString>> {
    let typed: Vec<OsString> = typed.collect();
    let Some(path) = named(&typed) else { return Ok(typed) };
    let path = Path::new(&path);
    let shown = path.display();
    let verb = typed.get(1).and_then(|v| v.to_str()).unwrap_or_default();
    if fs::metadata(path).with_context(|| format!("--config {shown}"))?.len() > MAX_BYTES {
        bail!("--config {shown}: more than {MAX_BYTES} bytes, this is no file of options");
    }
    let text = fs::read_to_string(path).with_context(|| format!("--config {shown}"))?;
    let options = options(&text, verb).with_context(|| format!("--config {shown}"))?;
    let (head, rest) = typed.split_at(2);
    Ok(head
        .iter()
        .cloned()
        .chain(options.into_iter().map(OsString::from))
        .chain(rest.iter().cloned())
        .collect())
}

/// The file that was typed, if any.
fn named(typed: &[OsString]) -> Option<OsString> {
    let mut words = typed.iter().skip(2);
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

/// The lines of a file as if they had been typed after a verb.
fn options(text: &str, verb: &str) -> Result<Vec<String>> {
    let table: toml::Table = toml::from_str(text).map_err(|e| {
        // Its own words have a picture of the line after them.
        anyhow::anyhow!("{}", e.message())
    })?;
    let cli = TrainCli::command();
    let command = cli.find_subcommand(verb).context("no verb comes before it")?;
    let mut words = Vec::new();
    for (key, value) in table {
        let name = key.replace('_', "-");
        let known = command.get_arguments().find(|a| a.get_long() == Some(name.as_str()));
        let Some(argument) = known.filter(|_| name != "config") else {
            bail!("'{key}' is no option of `sideman-train {verb}`; `--help` lists them");
        };
        let takes_value = argument.get_action().takes_values();
        let listed = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in listed {
            let text = match value {
                Value::Boolean(on) if !takes_value => {
                    if on {
                        words.push(format!("--{name}"));
                    }
                    continue;
                }
                _ if !takes_value => bail!("'{key}' is true or false"),
                Value::String(text) => text,
                Value::Integer(number) => number.to_string(),
                Value::Float(number) => number.to_string(),
                _ => bail!("'{key}' is a number, a text, or a list of these"),
            };
            words.push(format!("--{name}={text}"));
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        check("epochs = { a = 1 }", "a number, a text");
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
