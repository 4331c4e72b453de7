//! The colours, and the style of egui that is made of them. Amber is the player and blue the machine, as in the terminal: hues of
//! Okabe and Ito that all kinds of eyes tell apart. Nothing is told by colour alone.

use egui::{
    Color32, Context, CornerRadius, FontFamily, FontId, Stroke, Style, TextStyle, Theme, Visuals,
    vec2,
};

use crate::window::look::Ground;

/// The smallest text.
pub(super) const SMALL: f32 = 12.0;
/// Plain text.
pub(super) const TEXT: f32 = 13.0;
/// Headings.
pub(super) const LARGE: f32 = 17.0;
/// Corners of what can be pressed, and of what holds other things.
pub(super) const CORNER: u8 = 4;

/// The colours on one ground.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Palette {
    /// The window.
    pub(super) ground: Color32,
    /// What lies on it: bars, cards.
    pub(super) raised: Color32,
    /// What is cut into it: the roll, fields.
    pub(super) sunken: Color32,
    /// The roll's rows of black keys.
    pub(super) row: Color32,
    /// Lines between parts, and at beats.
    pub(super) line: Color32,
    /// Lines at bars, and tracks of dials.
    pub(super) strong_line: Color32,
    /// What can be pressed, and while the pointer is on it.
    pub(super) button: Color32,
    pub(super) button_hovered: Color32,
    /// Plain writing.
    pub(super) text: Color32,
    /// What explains.
    pub(super) muted: Color32,
    /// The player's notes and the machine's: as fills, and as writing.
    pub(super) player: Color32,
    pub(super) player_text: Color32,
    pub(super) machine: Color32,
    pub(super) machine_text: Color32,
    /// Writing on a fill of the machine's colour.
    pub(super) on_machine: Color32,
    /// What must not be missed, and what is well: as writing.
    pub(super) alarm: Color32,
    pub(super) well: Color32,
    /// The piano's keys.
    pub(super) white_key: Color32,
    pub(super) black_key: Color32,
}

const fn grey(red: u8, green: u8, blue: u8) -> Color32 {
    Color32::from_rgb(red, green, blue)
}

impl Palette {
    const DARK: Self = Self {
        ground: grey(24, 26, 30),
        raised: grey(33, 36, 41),
        sunken: grey(17, 19, 22),
        row: grey(21, 23, 27),
        line: grey(42, 46, 52),
        strong_line: grey(66, 72, 81),
        button: grey(45, 49, 56),
        button_hovered: grey(57, 62, 71),
        text: grey(232, 234, 237),
        muted: grey(166, 173, 184),
        player: grey(230, 159, 0),
        player_text: grey(240, 178, 50),
        machine: grey(86, 180, 233),
        machine_text: grey(110, 193, 240),
        on_machine: grey(10, 26, 38),
        alarm: grey(255, 138, 101),
        well: grey(64, 196, 152),
        white_key: grey(200, 204, 209),
        black_key: grey(38, 41, 46),
    };

    const LIGHT: Self = Self {
        ground: grey(236, 238, 241),
        raised: grey(250, 250, 251),
        sunken: grey(255, 255, 255),
        row: grey(244, 245, 247),
        line: grey(222, 225, 230),
        strong_line: grey(176, 182, 191),
        button: grey(226, 229, 234),
        button_hovered: grey(211, 216, 224),
        text: grey(27, 30, 35),
        muted: grey(80, 87, 98),
        player: grey(190, 112, 0),
        player_text: grey(138, 78, 0),
        machine: grey(24, 112, 173),
        machine_text: grey(12, 92, 148),
        on_machine: grey(255, 255, 255),
        alarm: grey(172, 52, 8),
        well: grey(0, 104, 74),
        white_key: grey(228, 231, 235),
        black_key: grey(64, 69, 77),
    };

    /// The colours on a ground.
    pub(super) const fn of(ground: Ground) -> Self {
        match ground {
            Ground::Dark => Self::DARK,
            Ground::Light => Self::LIGHT,
        }
    }
}

/// A font of a size.
pub(super) const fn font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// Gives egui the styles of both grounds. Once, before the first frame.
pub(super) fn prepare(ctx: &Context) {
    for (theme, ground) in [(Theme::Dark, Ground::Dark), (Theme::Light, Ground::Light)] {
        let palette = Palette::of(ground);
        ctx.style_mut_of(theme, |style| dress(style, &palette, ground));
    }
    // The view zooms within its own bounds, and tells that it did.
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
}

fn dress(style: &mut Style, palette: &Palette, ground: Ground) {
    style.text_styles = [
        (TextStyle::Small, font(SMALL)),
        (TextStyle::Body, font(TEXT)),
        (TextStyle::Button, font(TEXT)),
        (TextStyle::Heading, font(LARGE)),
        (TextStyle::Monospace, FontId::new(SMALL, FontFamily::Monospace)),
    ]
    .into();
    style.spacing.item_spacing = vec2(8.0, 8.0);
    style.spacing.button_padding = vec2(12.0, 4.0);
    style.spacing.interact_size = vec2(28.0, 28.0);
    style.spacing.tooltip_width = 320.0;
    style.spacing.scroll = egui::style::ScrollStyle::thin();
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.4;
    style.visuals = visuals(palette, ground);
}

fn visuals(palette: &Palette, ground: Ground) -> Visuals {
    let mut visuals = match ground {
        Ground::Dark => Visuals::dark(),
        Ground::Light => Visuals::light(),
    };
    let corner = CornerRadius::same(CORNER);
    let focus = Stroke::new(2.0, palette.text);
    let widgets = &mut visuals.widgets;
    for (widget, fill, stroke) in [
        (&mut widgets.noninteractive, palette.raised, Stroke::new(1.0, palette.line)),
        (&mut widgets.inactive, palette.button, Stroke::new(1.0, palette.line)),
        (&mut widgets.hovered, palette.button_hovered, Stroke::new(1.0, palette.strong_line)),
        // Also whatever has the focus of the keyboard: its ring.
        (&mut widgets.active, palette.button_hovered, focus),
        (&mut widgets.open, palette.button_hovered, Stroke::new(1.0, palette.strong_line)),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = stroke;
        widget.fg_stroke = Stroke::new(1.0, palette.text);
        widget.corner_radius = corner;
        widget.expansion = 0.0;
    }
    visuals.selection.bg_fill = palette.machine;
    visuals.selection.stroke = Stroke::new(1.0, palette.on_machine);
    visuals.weak_text_color = Some(palette.muted);
    visuals.extreme_bg_color = palette.sunken;
    visuals.faint_bg_color = palette.row;
    visuals.hyperlink_color = palette.machine_text;
    visuals.warn_fg_color = palette.alarm;
    visuals.error_fg_color = palette.alarm;
    visuals.window_fill = palette.raised;
    visuals.window_stroke = Stroke::new(1.0, palette.strong_line);
    visuals.panel_fill = palette.ground;
    visuals.window_corner_radius = CornerRadius::same(2 * CORNER);
    visuals.menu_corner_radius = CornerRadius::same(2 * CORNER);
    visuals.popup_shadow = egui::Shadow::NONE;
    visuals.window_shadow = egui::Shadow::NONE;
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast as WCAG 2 defines it.
    fn contrast(a: Color32, b: Color32) -> f64 {
        let luminance = |colour: Color32| {
            let linear = |channel: u8| {
                let share = f64::from(channel) / 255.0;
                if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-9);
        assert!((contrast(Color32::from_gray(119), Color32::WHITE) - 4.48).abs() < 0.01);
    }

    #[test]
    fn all_writing_can_be_read_on_all_that_it_stands_on() {
        for ground in [Ground::Dark, Ground::Light] {
            let p = Palette::of(ground);
            for (name, ink) in [
                ("text", p.text),
                ("muted", p.muted),
                ("player", p.player_text),
                ("machine", p.machine_text),
                ("alarm", p.alarm),
                ("well", p.well),
            ] {
                for on in [p.ground, p.raised, p.sunken, p.row] {
                    let found = contrast(ink, on);
                    assert!(found >= 4.5, "{ground:?} {name} on {on:?}: {found:.2}");
                }
            }
            for on in [p.button, p.button_hovered] {
                assert!(contrast(p.text, on) >= 4.5, "{ground:?} buttons");
            }
            assert!(contrast(p.on_machine, p.machine) >= 4.5, "{ground:?} chosen buttons");
        }
    }

    #[test]
    fn notes_stand_out_from_the_roll_and_from_each_other() {
        for ground in [Ground::Dark, Ground::Light] {
            let p = Palette::of(ground);
            for on in [p.sunken, p.row] {
                assert!(contrast(p.player, on) >= 3.0 && contrast(p.machine, on) >= 3.0);
            }
        }
    }
}
