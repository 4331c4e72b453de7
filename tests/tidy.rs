//! Holds the rules of the source tree: its floors, its file heads, its lengths, its words.
//!
//! Each rule is a function from a file to its violations, and is itself tested on planted ones
//! beside it; here the rules meet the real tree.

#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/tree.rs"]
mod tree;
#[path = "tidy/violation.rs"]
mod violation;

use violation::assert_none;

#[test]
fn a_floor_names_only_what_it_may() {
    assert_none(tree::rust_files("src").iter().flat_map(floors::check_edges).collect());
}

#[test]
fn only_the_faces_know_hosts_terminals_and_devices() {
    assert_none(tree::rust_files("src").iter().flat_map(floors::check_face_crates).collect());
}

#[test]
fn live_names_no_lock_no_clock_and_no_worker() {
    assert_none(tree::rust_files("src").iter().flat_map(floors::check_live).collect());
}

#[test]
fn every_file_opens_with_its_purpose() {
    let folders = ["src", "tests", "xtask", "benches"];
    let sources = folders.into_iter().flat_map(tree::rust_files);
    assert_none(sources.flat_map(|source| files::check_head(&source)).collect());
}

#[test]
fn a_file_can_be_read_in_one_go() {
    assert_none(tree::rust_files("src").iter().flat_map(files::check_length).collect());
}

#[test]
fn only_tests_unwrap() {
    for folder in ["src", "xtask/src"] {
        let sources = tree::rust_files(folder);
        let test_modules = sources.iter().flat_map(|source| source.test_modules.clone()).collect();
        let check = |source| files::check_panics(source, &test_modules);
        assert_none(sources.iter().flat_map(check).collect());
    }
}

#[test]
fn the_project_speaks_of_itself_alone() {
    let texts = tree::texts();
    let texts = texts.iter().filter(|(path, _)| path != ".gitignore");
    assert_none(texts.flat_map(|(path, text)| files::check_self_contained(path, text)).collect());
}
