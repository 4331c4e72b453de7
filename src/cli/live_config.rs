//! `sideman.toml`: every option of `sideman` alone, kept in the platform's folder for settings.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::parser::ValueSource;
use clap::{Arg, Command};
use toml::{Table, Value};

use crate::cli::config_file::{Line, lines, named, read};
use crate::data::whole_file;
use crate::preset::{folder, parameter};

/// Leaves the file unread.
const NONE: &str = "--no-config";
/// Options that are added to the file's; all others take the place of theirs.
const ADDED: [&str; 2] = ["set", "learn"];
/// Options that are about files like this, and about what happens once.
const NOT_KEPT: [&str; 8] =
    ["config", "no-config", "save-config", "save-preset", "seconds", "out", "play-in", "help"];

/// What was typed to `sideman`, with the options of its file put before the rest.
///
/// # Errors
/// When the file can't be read or holds what is no option.
pub(crate) fn with_config(command: &Command, typed: Vec<OsString>) -> Result<Vec<OsString>> {
    let verb = typed.get(1).and_then(|word| word.to_str()).unwrap_or_default();
    if command.get_subcommands().any(|s| s.get_name() == verb) || verb == "help" {
        return Ok(typed);
    }
    let options = typed.get(1..).unwrap_or_default();
    let helps = |word: &OsString| {
        ["-h", "--help", "-V", "--version", NONE].iter().any(|other| word == other)
    };
    if options.iter().any(helps) {
        return Ok(typed);
    }
    let path = match named(options) {
        Some(path) => PathBuf::from(path),
        None => match folder::config_file() {
            Some(path) if path.exists() => path,
            _ => return Ok(typed),
        },
    };
    let found = read(&path)
        .and_then(|table| lines(table, command, "sideman"))
        .with_context(|| format!("{} (--no-config leaves it out)", path.display()))?;
    let kept = found.into_iter().filter(|line| !is_replaced(command, line, options));
    let (program, rest) = typed.split_at(1.min(typed.len()));
    let words = kept.map(|line| OsString::from(line.word));
    Ok(program.iter().cloned().chain(words).chain(rest.iter().cloned()).collect())
}

/// Whether what was typed takes the place of a line, or can't stand beside it.
fn is_replaced(command: &Command, line: &Line, typed: &[OsString]) -> bool {
    let is_typed = |arg: &Arg| {
        let long = format!("--{}", arg.get_long().unwrap_or_default());
        let is = |word: &OsString| {
            word.to_str().is_some_and(|w| w.split_once('=').map_or(w, |(name, _)| name) == long)
        };
        typed.iter().any(is)
    };
    let Some(own) = option(command, &line.name) else { return false };
    let replaced = !ADDED.contains(&line.name.as_str()) && is_typed(own);
    let others = command.get_arguments().filter(|other| other.get_id() != own.get_id());
    replaced || others.filter(|other| in_conflict(command, own, other)).any(is_typed)
}

/// Whether two options can't stand side by side.
fn in_conflict(command: &Command, one: &Arg, other: &Arg) -> bool {
    let names = |a: &Arg, b: &Arg| {
        command.get_arg_conflicts_with(a).iter().any(|named| named.get_id() == b.get_id())
    };
    names(one, other) || names(other, one)
}

fn option<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|a| a.get_long() == Some(name))
}

/// Puts what was typed into the file, beside what it holds already. Gives the file.
///
/// # Errors
/// When there is no such folder, or the disk refuses.
pub(crate) fn save(command: &Command, typed: &[OsString]) -> Result<PathBuf> {
    let path = match named(typed) {
        Some(path) => PathBuf::from(path),
        None => folder::config_file().context("this system has no folder for settings")?,
    };
    let mut table = if path.exists() { read(&path)? } else { Table::new() };
    let matches = command.clone().try_get_matches_from(typed)?;
    for arg in command.get_arguments() {
        let (Some(name), id) = (arg.get_long(), arg.get_id().as_str()) else { continue };
        if NOT_KEPT.contains(&name) || matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        // What stood in the file gives way to what is typed.
        for other in command.get_arguments().filter(|other| in_conflict(command, arg, other)) {
            table.remove(other.get_long().unwrap_or_default());
        }
        if !arg.get_action().takes_values() {
            table.insert(name.to_owned(), Value::Boolean(true));
            continue;
        }
        let raw = matches.get_raw(id).into_iter().flatten();
        let texts: Vec<String> = raw.map(|text| text.to_string_lossy().into_owned()).collect();
        if ADDED.contains(&name) {
            add(&mut table, name, &texts);
        } else if let ([text], false) = (texts.as_slice(), is_list(arg)) {
            table.insert(name.to_owned(), value(text));
        } else {
            let list = texts.iter().map(|text| value(text)).collect();
            table.insert(name.to_owned(), Value::Array(list));
        }
    }
    // What can't be read again is not written.
    lines(table.clone(), command, "sideman")?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let text = annotated(command, &table);
    whole_file::write(&path, text.as_bytes()).with_context(|| path.display().to_string())?;
    Ok(path)
}

/// Puts `name=value` under an option's heading.
fn add(table: &mut Table, name: &str, pairs: &[String]) {
    let held = table.entry(name).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Array(list) = held {
        list.extend(pairs.iter().map(|pair| Value::String(pair.clone())));
    } else if let Value::Table(inner) = held {
        for (name, text) in pairs.iter().filter_map(|pair| pair.split_once('=')) {
            inner.insert(name.trim().to_owned(), value(text.trim()));
        }
    }
}

fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), clap::ArgAction::Append)
}

fn value(text: &str) -> Value {
    let whole = text.parse().map(Value::Integer).ok();
    let real = || text.parse().ok().filter(|x: &f64| x.is_finite()).map(Value::Float);
    whole.or_else(real).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Prints the file's path and what it may hold, what it holds with it.
///
/// # Errors
/// When the file can't be read.
pub(crate) fn print(command: &Command) -> Result<()> {
    let path = folder::config_file().context("this system has no folder for settings")?;
    let there = path.exists();
    let table = if there { read(&path)? } else { Table::new() };
    println!("# {}{}", path.display(), if there { "" } else { " (not there yet)" });
    print!("{}", annotated(command, &table));
    Ok(())
}

/// Every option with its explanation; what has no value in the table is commented out.
fn annotated(command: &Command, table: &Table) -> String {
    let mut text =
        String::from("# Options of `sideman`; what is typed wins. --no-config leaves them out.\n");
    let held = |name: &str| table.get(name).or_else(|| table.get(&name.replace('-', "_")));
    let mut put = |about: &str, name: &str, value: Option<&Value>, default: &str| {
        let about = about.split("\n\n").next().unwrap_or_default();
        let _ = writeln!(text, "\n# {about}");
        match value {
            Some(value) => {
                let _ = writeln!(text, "{name} = {value}");
            }
            None => {
                let _ = writeln!(text, "# {name} = {default}");
            }
        }
    };
    for arg in command.get_arguments() {
        let Some(name) = arg.get_long() else { continue };
        if NOT_KEPT.contains(&name) || name == "version" || ADDED.contains(&name) {
            continue;
        }
        let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let default = arg.get_default_values().first().and_then(|d| d.to_str()).map(value);
        let default = match default {
            Some(default) if arg.get_action().takes_values() => default.to_string(),
            _ if is_list(arg) => "[]".to_owned(),
            _ if arg.get_action().takes_values() => "\"\"".to_owned(),
            _ => "false".to_owned(),
        };
        put(&about, name, held(name), &default);
    }
    for heading in ADDED.iter().filter(|name| option(command, name).is_some()) {
        // A list instead of a heading, as it may be written too.
        if let Some(list @ Value::Array(_)) = held(heading) {
            let _ = writeln!(text, "\n{heading} = {list}");
        }
    }
    for heading in ADDED.iter().filter(|name| option(command, name).is_some()) {
        let empty = Table::new();
        let inner = match held(heading) {
            Some(Value::Array(_)) => continue,
            held => held.and_then(Value::as_table).unwrap_or(&empty),
        };
        let _ = writeln!(text, "\n[{heading}]");
        if *heading == "set" {
            for p in parameter::list(&crate::link::settings::Settings::default()) {
                let _ = writeln!(text, "# {} ({}, {})", p.about, p.range, p.unit);
                match inner.get(p.name) {
                    Some(value) => {
                        let _ = writeln!(text, "{} = {value}", p.name);
                    }
                    None => {
                        let _ = writeln!(text, "# {} = {}", p.name, value(&p.default));
                    }
                }
            }
            continue;
        }
        for (name, value) in inner {
            let _ = writeln!(text, "{} = {value}", Value::String(name.clone()));
        }
    }
    text
}
