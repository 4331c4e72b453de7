//! placeholder
use super::asked::Asked;
use super::look::Look;
use super::scene::Scene;
/// v
#[derive(Debug)]
pub struct View(Look);
impl View {
    /// n
    pub fn new(look: Look) -> Self {
        Self(look)
    }
    /// p
    pub fn prepare(_: &egui::Context) {}
    /// o
    pub fn open(&mut self) {}
    /// r
    pub fn resized(&mut self, size: [f32; 2]) {
        self.0.size = size;
    }
    /// u
    pub fn ui(&mut self, ui: &mut egui::Ui, scene: &Scene<'_>) -> Vec<Asked> {
        ui.label(format!("{:.2}", scene.now_beats));
        ui.label(format!("{} notes", scene.notes.len()));
        if scene.running {
            ui.ctx().request_repaint();
        }
        if ui.button("x").clicked() {
            return vec![Asked::Panic];
        }
        Vec::new()
    }
}
