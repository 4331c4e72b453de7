//! The training that was offered or started from the window: the offer, its progress, what became of it.

use std::time::Duration;

use egui::{Frame, Mesh, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::window::asked::Asked;
use crate::window::page::strong_button;
use crate::window::palette::{CORNER, Palette, SMALL, font};
use crate::window::scene::{Training, TrainingState};

/// How long a training may take, in minutes.
const MINUTES: [u32; 3] = [10, 30, 120];
/// Height of the curve.
const CURVE: f32 = 96.0;

/// What is chosen in an offer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Offer {
    minutes: u32,
    /// Whether it was made just now: then Enter is enough.
    pub(super) is_new: bool,
}

impl Default for Offer {
    fn default() -> Self {
        Self { minutes: MINUTES[1], is_new: false }
    }
}

/// Draws how a training stands.
pub(super) fn panel(
    ui: &mut Ui,
    offer: &mut Offer,
    training: &Training,
    palette: &Palette,
    asked: &mut Vec<Asked>,
) {
    let frame = Frame::new()
        .fill(palette.sunken)
        .stroke(Stroke::new(2.0, palette.player))
        .corner_radius(CORNER)
        .inner_margin(12.0);
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        match &training.state {
            TrainingState::Offered => offered(ui, offer, training, palette, asked),
            TrainingState::Running => running(ui, training, palette, asked),
            TrainingState::Done => {
                ended(
                    ui,
                    &format!("{} is trained, and plays.", training.name),
                    training,
                    palette,
                    asked,
                );
            }
            TrainingState::Stopped => {
                let what = format!(
                    "The training of {} was stopped. What it learnt is kept.",
                    training.name
                );
                ended(ui, &what, training, palette, asked);
            }
            TrainingState::Failed(why) => {
                ui.strong(format!("The training of {} failed.", training.name));
                ui.colored_label(palette.alarm, why);
                close(ui, asked);
            }
        }
    });
}

fn offered(
    ui: &mut Ui,
    offer: &mut Offer,
    training: &Training,
    palette: &Palette,
    asked: &mut Vec<Asked>,
) {
    ui.strong(format!("Train a model on {}?", training.name));
    if !training.doing.is_empty() {
        ui.label(&training.doing);
    }
    ui.weak("It runs beside the music, at low priority; the model that plays now plays on until it is done.");
    ui.label("About how long?");
    ui.horizontal_wrapped(|ui| {
        for minutes in MINUTES {
            let text = if minutes % 60 == 0 {
                format!("{} hours", minutes / 60)
            } else {
                format!("{minutes} minutes")
            };
            if ui.selectable_label(offer.minutes == minutes, text).clicked() {
                offer.minutes = minutes;
            }
        }
    });
    ui.horizontal(|ui| {
        let train = strong_button(ui, "Train", palette);
        if std::mem::take(&mut offer.is_new) {
            train.request_focus();
        }
        if train.clicked() {
            asked.push(Asked::Train(offer.minutes));
        }
        if ui.button("Not now").clicked() {
            asked.push(Asked::EndTraining);
        }
    });
}

fn running(ui: &mut Ui, training: &Training, palette: &Palette, asked: &mut Vec<Asked>) {
    ui.strong(format!("Training {}", training.name));
    let left = training.left.map(|left| format!(", {} left", time(left))).unwrap_or_default();
    let done = training.share.map_or(String::new(), |share| format!("{:.0} %: ", share * 100.0));
    ui.label(format!("{done}{}{left}", training.doing));
    progress(ui, training.share, palette);
    curve(ui, training, palette);
    if ui.button("Stop").on_hover_text("What was learnt so far is kept.").clicked() {
        asked.push(Asked::EndTraining);
    }
}

fn ended(ui: &mut Ui, what: &str, training: &Training, palette: &Palette, asked: &mut Vec<Asked>) {
    ui.strong(what);
    curve(ui, training, palette);
    close(ui, asked);
}

fn close(ui: &mut Ui, asked: &mut Vec<Asked>) {
    if ui.button("Close").accessible_name("Close the training").clicked() {
        asked.push(Asked::EndTraining);
    }
}

/// A bar of progress; while that is not known, an empty one.
fn progress(ui: &mut Ui, share: Option<f32>, palette: &Palette) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 6.0), Sense::hover());
    let done = share.unwrap_or(0.0).clamp(0.0, 1.0);
    response.widget_info(|| {
        let mut info =
            WidgetInfo::labeled(Role::ProgressIndicator, true, "Progress of the training");
        info.value = Some(f64::from(done));
        info
    });
    ui.painter().rect_filled(rect, 3.0, palette.line);
    let fill = Rect::from_min_size(rect.min, vec2(rect.width() * done, rect.height()));
    ui.painter().rect_filled(fill, 3.0, palette.player);
}

/// The loss by share of the training; nothing before there are two points.
fn curve(ui: &mut Ui, training: &Training, palette: &Palette) {
    let losses = training.losses.iter().filter(|[at, loss]| at.is_finite() && loss.is_finite());
    let losses: Vec<_> = losses.copied().collect();
    let ([_, first], [_, last]) = match (losses.first(), losses.last()) {
        (Some(first), Some(last)) if losses.len() > 1 => (*first, *last),
        _ => return,
    };
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), CURVE), Sense::hover());
    let words = format!("Loss: from {first:.2} to {last:.2} nats a note");
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &words));
    let low = losses.iter().map(|[_, loss]| *loss).fold(f32::MAX, f32::min);
    let high = losses.iter().map(|[_, loss]| *loss).fold(f32::MIN, f32::max);
    let plot = rect.with_min_y(rect.top() + 18.0).shrink2(vec2(0.0, 4.0));
    let point = |[at, loss]: [f32; 2]| {
        let height = (loss - low) / (high - low).max(1e-6);
        pos2(
            plot.left() + at.clamp(0.0, 1.0) * plot.width(),
            plot.bottom() - height * plot.height(),
        )
    };
    let painter = ui.painter();
    let mut mesh = Mesh::default();
    for share in [0.0, 0.5, 1.0] {
        let y = painter.round_to_pixel_center(plot.top() + share * plot.height());
        let line = Rect::from_x_y_ranges(plot.x_range(), y - 0.5..=y + 0.5);
        mesh.add_colored_rect(line, palette.line);
    }
    painter.add(mesh);
    painter.line(losses.iter().map(|at| point(*at)).collect(), Stroke::new(2.0, palette.player));
    painter.text(rect.left_top(), egui::Align2::LEFT_TOP, words, font(SMALL), palette.muted);
}

/// A time as one says it.
fn time(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_do() {
        let times = [5, 61, 5400].map(|seconds| time(Duration::from_secs(seconds)));
        assert_eq!(times, ["5 s", "2 min", "1 h 30 min"]);
    }
}
