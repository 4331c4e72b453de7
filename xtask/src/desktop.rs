//! `cargo xtask desktop`: menu entry, icon, pages for man and completions for shells, for the user who runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::step;
use crate::workspace::Workspace;

/// The programs, the one for the menu first.
const PROGRAMS: [&str; 2] = ["sideman", "sideman-train"];
/// Each shell and where below the data folder it looks: before and behind the program's name.
const SHELLS: [(&str, &str, &str); 3] = [
    ("bash", "bash-completion/completions/", ""),
    ("zsh", "zsh/site-functions/_", ""),
    ("fish", "fish/vendor_completions.d/", ".fish"),
];

/// Puts everything below the user's data folder, for the programs in cargo's folder or in the one that is named.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Outcome {
    let programs = match args {
        [] => installed()?,
        [folder] => fs::canonicalize(folder)
            .map_err(|error| Failure::new(format!("cannot find {folder}: {error}")))?,
        _ => return Err(Failure::usage("`desktop` takes one folder at most")),
    };
    let data = data()?;
    step::step("menu entry and icon", || {
        let from = workspace.root().join("presets/desktop");
        let program = programs.join(PROGRAMS[0]);
        let exec = program.to_str().filter(|path| !path.contains([' ', '"', '\\', '$', '%']));
        let exec = exec.ok_or_else(|| {
            Failure::new(format!("{}: a menu entry can't name such a path", program.display()))
        })?;
        let entry = read(&from.join("sideman.desktop"))?;
        let entry = entry.replace("Exec=sideman\n", &format!("Exec={exec}\n"));
        write(&data.join("applications/sideman.desktop"), entry.as_bytes())?;
        let icon = read(&from.join("sideman.svg"))?;
        write(&data.join("icons/hicolor/scalable/apps/sideman.svg"), icon.as_bytes())
    })?;
    for name in PROGRAMS {
        let program = programs.join(name);
        let pages = data.join("man/man1");
        step::command(
            &format!("pages for man {name}"),
            Command::new(&program).args(["man", "--out"]).arg(&pages),
        )?;
        step::step(&format!("completions of {name}"), || {
            for (shell, before, behind) in SHELLS {
                write(
                    &data.join(format!("{before}{name}{behind}")),
                    &completions(&program, shell)?,
                )?;
            }
            Ok(())
        })?;
    }
    println!("Sideman is in the menu; what was written lies below {}.", data.display());
    Ok(())
}

/// Where cargo has put the programs.
fn installed() -> Outcome<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    home.map(|home| home.join("bin"))
        .filter(|bin| PROGRAMS.iter().all(|name| bin.join(name).is_file()))
        .ok_or_else(|| {
            Failure::new(
                "the programs are not installed: run `cargo install --path .` first, or name their folder",
            )
        })
}

/// The user's data folder, as desktops know it.
fn data() -> Outcome<PathBuf> {
    let named =
        std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    named
        .or_else(|| std::env::home_dir().map(|home| home.join(".local/share")))
        .ok_or_else(|| Failure::new("there is no home folder: set XDG_DATA_HOME"))
}

fn completions(program: &Path, shell: &str) -> Outcome<Vec<u8>> {
    let failed =
        |why: String| Failure::new(format!("{} completions {shell}: {why}", program.display()));
    let done = Command::new(program)
        .args(["completions", shell])
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if done.status.success() { Ok(done.stdout) } else { Err(failed(done.status.to_string())) }
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", path.display())))
}

fn write(path: &Path, bytes: &[u8]) -> Outcome {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, bytes))
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
}
