//! Finds the files of the repository, by git where it is a checkout and by walking where it is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::source::Source;

/// Folders that are never part of the project.
const SKIPPED: [&str; 3] = [".git", "target", "runs"];

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below `folder` (from the root), read and cut into words, in sorted order.
pub(crate) fn rust_files(folder: &str) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root().join(folder), &mut paths);
    let paths = paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    paths
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a Rust file is UTF-8 text");
            Source::new(relative(&path), text)
        })
        .collect()
}

/// Every text of the project with its path from the root; what is not text is left out.
pub(crate) fn texts() -> Vec<(String, String)> {
    let paths = by_git().unwrap_or_else(|| {
        let mut paths = Vec::new();
        walk(root(), &mut paths);
        paths
    });
    let read = |path: PathBuf| Some((relative(&path), fs::read_to_string(&path).ok()?));
    paths.into_iter().filter_map(read).collect()
}

/// What git tracks, or would track at the next `git add`; `None` where there is no git or no checkout.
fn by_git() -> Option<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .ok()?;
    let listing = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(listing.split_terminator('\0').map(|path| root().join(path)).collect())
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let is_skipped =
            path.file_name().is_some_and(|name| SKIPPED.iter().any(|skipped| name == *skipped));
        if path.is_dir() && !is_skipped {
            walk(&path, paths);
        } else if path.is_file() {
            paths.push(path);
        }
    }
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}

mod tests {
    use super::*;

    #[test]
    fn the_tree_is_found() {
        let paths = |sources: Vec<Source>| {
            sources.into_iter().map(|source| source.path).collect::<Vec<_>>()
        };
        assert!(paths(rust_files("src")).contains(&"src/lib.rs".to_owned()));
        assert!(paths(rust_files("tests")).contains(&"tests/tidy/tree.rs".to_owned()));
        let texts: Vec<_> = texts().into_iter().map(|(path, _)| path).collect();
        assert!(texts.contains(&"Cargo.toml".to_owned()), "{texts:?}");
        assert!(!texts.iter().any(|path| path.starts_with("target/")), "{texts:?}");
    }

    #[test]
    fn a_walk_finds_what_git_lists() {
        let mut walked = Vec::new();
        walk(root(), &mut walked);
        for path in by_git().unwrap_or_default().iter().filter(|path| path.is_file()) {
            assert!(walked.contains(path), "{}", path.display());
        }
    }
}
