//! What is kept of a folder for the next run: nothing is read twice, and nothing that changed is missed.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use sideman::data::corpus::{Corpus, CorpusError, Reading};
use sideman::data::roles::Piece;
use sideman::data::shelf;

use super::songs;

fn read(data: &Path, keep: Option<&Path>) -> Result<Corpus, CorpusError> {
    Corpus::read(data, Reading { threads: 2, keep, tell: &|_, _| {} })
}

fn pieces(data: &Path, keep: Option<&Path>) -> Vec<Piece> {
    shelf::take(&read(data, keep).unwrap().pieces).unwrap()
}

/// Writes over a file without a trace in its length or time.
fn overwrite(path: &Path, byte: u8) {
    let about = fs::metadata(path).unwrap();
    fs::write(path, vec![byte; about.len() as usize]).unwrap();
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(about.modified().unwrap())
        .unwrap();
}

#[test]
fn only_what_has_changed_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = songs::write(&folder.path().join("data"), 5);
    fs::write(data.join("broken.mid"), b"MThd").unwrap();
    let keep = folder.path().join("keep");
    let first = pieces(&data, Some(&keep));
    assert_eq!((first.len(), &first), (5, &pieces(&data, None)));

    overwrite(&data.join("3.mid"), 0);
    assert_eq!(pieces(&data, Some(&keep)), first, "nothing seems to have changed");
    assert_eq!(pieces(&data, None).len(), 4);

    // Another file changes: what was kept of the third is still taken as it was.
    fs::write(data.join("1.mid"), b"no song any more").unwrap();
    fs::remove_file(data.join("4.mid")).unwrap();
    let corpus = read(&data, Some(&keep)).unwrap();
    let expected = [0, 2, 3].map(|i: usize| first[i].clone());
    assert_eq!(shelf::take(&corpus.pieces).unwrap(), expected);
    assert_eq!(corpus.skipped.len(), 2);
    let later = SystemTime::now() + Duration::from_secs(5);
    File::options().write(true).open(data.join("3.mid")).unwrap().set_modified(later).unwrap();
    assert_eq!(pieces(&data, Some(&keep)), expected[..2]);
    assert_eq!(fs::read_dir(&keep).unwrap().count(), 2, "an index and one shelf");
}

#[test]
fn damage_costs_time_and_no_piece() {
    let folder = tempfile::tempdir().unwrap();
    let data = songs::write(&folder.path().join("data"), 3);
    let keep = folder.path().join("keep");
    let first = pieces(&data, Some(&keep));
    let kept = || fs::read_dir(&keep).unwrap().map(|f| f.unwrap().path());
    overwrite(&kept().find(|p| p.ends_with("index")).unwrap(), 1);
    assert_eq!(pieces(&data, Some(&keep)), first);
    fs::remove_file(kept().find(|p| !p.ends_with("index")).unwrap()).unwrap();
    assert_eq!(pieces(&data, Some(&keep)), first);

    let shelf = kept().find(|p| !p.ends_with("index")).unwrap();
    File::options().write(true).open(shelf).unwrap().set_len(9).unwrap();
    assert_eq!(pieces(&data, Some(&keep)), first);

    // A shelf that is damaged behind a good index is found out where a piece is taken from it.
    overwrite(&kept().find(|p| !p.ends_with("index")).unwrap(), 2);
    let error = shelf::take(&read(&data, Some(&keep)).unwrap().pieces).unwrap_err();
    assert!(error.to_string().contains("pieces-") && error.to_string().contains("delete it"));
    // Nor is it carried over.
    fs::remove_file(data.join("2.mid")).unwrap();
    assert_eq!(pieces(&data, Some(&keep)), first[..2]);
}

#[test]
fn a_place_that_cannot_be_written_to_is_no_hindrance() {
    let folder = tempfile::tempdir().unwrap();
    let data = songs::write(&folder.path().join("data"), 2);
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    assert_eq!(pieces(&data, Some(&file.join("keep"))).len(), 2);
    // The shelf finds its place, its index does not.
    let keep = folder.path().join("keep");
    fs::create_dir_all(keep.join("index")).unwrap();
    assert_eq!(pieces(&data, Some(&keep)).len(), 2);
    assert_eq!(fs::read_dir(&keep).unwrap().count(), 1, "nothing else is left there");
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_may_have_any_name_that_the_system_allows() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    let data = songs::write(&folder.path().join("data"), 2);
    fs::rename(data.join("1.mid"), data.join(OsStr::from_bytes(b"caf\xe9.mid"))).unwrap();
    let keep = folder.path().join("keep");
    let first = pieces(&data, Some(&keep));
    assert_eq!((first.len(), &first), (2, &pieces(&data, Some(&keep))));
    assert!(keep.join("index").exists());
}
