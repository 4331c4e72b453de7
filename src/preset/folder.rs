//! Where a musician's own presets and models lie.

use std::path::PathBuf;

use directories::ProjectDirs;

use crate::infer::builtin;
use crate::infer::model_slot::ModelChoice;
use crate::preset::file::is_folder_name;

/// Names another folder for presets.
pub const PRESETS_VARIABLE: &str = "SIDEMAN_PRESETS";

/// Names another folder for models.
pub const MODELS_VARIABLE: &str = "SIDEMAN_MODELS";

/// Names another folder for what a program remembers between runs.
pub const STATE_VARIABLE: &str = "SIDEMAN_STATE";

/// The folder of the logs of sessions, which may not exist yet. `None` where the system has no such place.
pub fn sessions() -> Option<PathBuf> {
    let state = match std::env::var_os(STATE_VARIABLE) {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        _ => {
            let project = ProjectDirs::from("", "", "sideman")?;
            project.state_dir().unwrap_or_else(|| project.data_local_dir()).to_owned()
        }
    };
    Some(state.join("sessions"))
}

/// Names another file of options, not a folder.
pub const CONFIG_VARIABLE: &str = "SIDEMAN_CONFIG";

/// The file of the program's options, which may not exist yet. `None` where the system has no such place.
pub fn config_file() -> Option<PathBuf> {
    folder(CONFIG_VARIABLE, "sideman.toml")
}

/// Names another file of how the window looks.
pub const WINDOW_VARIABLE: &str = "SIDEMAN_WINDOW";

/// The file of how the window looks, which may not exist yet. `None` where the system has no such place.
pub fn window_file() -> Option<PathBuf> {
    folder(WINDOW_VARIABLE, "window.toml")
}

/// The folder of the user's presets, which may not exist yet. `None` where the system has no such place.
pub fn presets() -> Option<PathBuf> {
    folder(PRESETS_VARIABLE, "presets")
}

/// The folder of model folders, which may not exist yet. `None` where the system has no such place.
pub fn models() -> Option<PathBuf> {
    folder(MODELS_VARIABLE, "models")
}

/// The name by which a preset can ask for this model.
pub fn name_of(choice: &ModelChoice) -> Option<String> {
    match choice {
        ModelChoice::Builtin => Some(builtin::NAME.to_owned()),
        ModelChoice::Folder(path) => {
            let parent = path.canonicalize().ok()?.parent()?.to_owned();
            let name = path.file_name()?.to_str()?;
            let at_home = models()?.canonicalize().ok()? == parent;
            (at_home && is_folder_name(name)).then(|| name.to_owned())
        }
    }
}

/// The model that a preset asks for by this name, whether it is there or not.
pub fn model_of(name: &str) -> Option<ModelChoice> {
    if name == builtin::NAME {
        return Some(ModelChoice::Builtin);
    }
    is_folder_name(name).then(|| Some(ModelChoice::Folder(models()?.join(name))))?
}

fn folder(variable: &str, name: &str) -> Option<PathBuf> {
    match std::env::var_os(variable) {
        Some(path) if !path.is_empty() => Some(path.into()),
        _ => Some(ProjectDirs::from("", "", "sideman")?.config_dir().join(name)),
    }
}
