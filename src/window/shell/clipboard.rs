//! The system's clipboard: a connection to it is made when it is first used, and kept as what was copied is given from there.

/// Text that is copied and pasted.
#[derive(Default)]
pub(super) struct Clipboard {
    system: Option<arboard::Clipboard>,
}

impl Clipboard {
    /// Puts a text there. Nothing happens where the system has no clipboard.
    pub(super) fn copy(&mut self, text: String) {
        if let Some(system) = self.system() {
            let _ = system.set_text(text);
        }
    }

    /// The text that is there.
    pub(super) fn text(&mut self) -> Option<String> {
        self.system()?.get_text().ok()
    }

    fn system(&mut self) -> Option<&mut arboard::Clipboard> {
        if self.system.is_none() {
            self.system = arboard::Clipboard::new().ok();
        }
        self.system.as_mut()
    }
}
