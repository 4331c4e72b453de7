//! Older formats of preset files, brought up to the present one step at a time.

use toml::{Table, Value};

use crate::preset::file::PresetError;

/// The format that is written.
pub(crate) const FORMAT: i64 = 1;

/// What leads from each format to the next: the first from 0 to 1. To change the format, raise [`FORMAT`] and
/// add the step from the one before; the steps that are here stay as they are.
const STEPS: [fn(&mut Table); FORMAT as usize] = [from_0];

/// The settings that format 0 knew by other names: old, new.
const RENAMED_IN_1: [(&str, &str); 3] =
    [("low", "register-low"), ("high", "register-high"), ("notes", "polyphony")];

/// Makes the table of any format that was ever written one of [`FORMAT`].
pub(crate) fn migrate(table: &mut Table) -> Result<(), PresetError> {
    let Some(Value::Integer(found)) = table.get("format") else {
        return Err(PresetError::NoFormat);
    };
    let steps = usize::try_from(*found).ok().and_then(|found| STEPS.get(found..));
    for step in steps.ok_or(PresetError::Format { found: *found })? {
        step(table);
    }
    table.insert("format".to_owned(), FORMAT.into());
    Ok(())
}

/// Format 0, that of the first drafts, said `title` for the name and had other words for some settings.
fn from_0(table: &mut Table) {
    rename(table, "title", "name");
    if let Some(Value::Table(settings)) = table.get_mut("settings") {
        for (old, new) in RENAMED_IN_1 {
            rename(settings, old, new);
        }
    }
}

/// Gives a value its new name. Where both names are written the old one stays, to be refused as unknown.
fn rename(table: &mut Table, old: &str, new: &str) {
    if !table.contains_key(new)
        && let Some(value) = table.remove(old)
    {
        table.insert(new.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use crate::preset::file::Preset;

    #[test]
    fn a_draft_becomes_a_preset_of_today() {
        let old = "format = 0\ntitle = 'Low and lonely'\nauthor = 'A. Player'\nabout = 'One low note.'\n\
                   [settings]\nlow = 'E1'\nhigh = 'G3'\nnotes = 1\ndensity = -0.5\n";
        let new = "format = 1\nname = 'Low and lonely'\nauthor = 'A. Player'\nabout = 'One low note.'\n\
                   [settings]\nregister-low = 'E1'\nregister-high = 'G3'\npolyphony = 1\ndensity = -0.5\n";
        let read = Preset::from_bytes(old.as_bytes()).unwrap();
        assert_eq!(read, Preset::from_bytes(new.as_bytes()).unwrap());
        assert!(read.to_toml().unwrap().starts_with("format = 1\nname = \"Low and lonely\"\n"));
    }

    #[test]
    fn old_words_are_not_read_in_new_files_nor_beside_new_words() {
        for wrong in [
            "format = 1\ntitle = 'A'",
            "format = 1\nname = 'A'\n[settings]\nlow = 'E1'",
            "format = 0\nname = 'A'\ntitle = 'B'",
            "format = 0\ntitle = 'A'\n[settings]\nlow = 'E1'\nregister-low = 'E2'",
        ] {
            assert!(Preset::from_bytes(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
