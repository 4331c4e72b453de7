//! What cargo cannot install: a C compiler, and on Linux pkg-config and the headers of ALSA and JACK.
//!
//! [`ensure`] looks first and touches nothing when all is there. What is missing it installs only
//! as root and only by apt; to anyone else it says the one line to run.

use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::step;

/// One thing that a build needs from the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// `cc`: rustc links with it, and some crates compile C or assembly.
    Compiler,
    /// `pkg-config`: build scripts find libraries with it.
    PkgConfig,
    /// ALSA's headers: the program's audio output.
    Alsa,
    /// JACK's headers, which are asked for to build; its library only when the program is to be a client.
    JackHeaders,
    /// Ardour 7, in which the tests run the plugin.
    Ardour,
    /// JACK's server: the sound card of that Ardour.
    Jack,
    /// A virtual screen, with a software OpenGL: pictures of the window are taken on it.
    Xvfb,
    /// Presses keys there.
    Xdotool,
    /// Takes pictures there.
    Import,
}

impl Need {
    /// What the program and the tests need; the plugin alone needs only the compiler, and nothing without being
    /// asked for needs Ardour and JACK.
    pub(crate) const ALL: [Self; 4] =
        [Self::Compiler, Self::PkgConfig, Self::Alsa, Self::JackHeaders];

    fn is_met(self) -> bool {
        let pkg_config = std::env::var("PKG_CONFIG").unwrap_or_else(|_| "pkg-config".to_owned());
        match self {
            Self::Compiler => step::answers("cc", &["--version"]),
            Self::PkgConfig => step::answers(&pkg_config, &["--version"]),
            Self::Alsa => step::answers(&pkg_config, &["--exists", "alsa"]),
            Self::JackHeaders => step::answers(&pkg_config, &["--exists", "jack"]),
            Self::Ardour => step::answers("ardour7-lua", &["--version"]),
            Self::Jack => step::answers("jackd", &["--version"]),
            Self::Xvfb => step::answers("Xvfb", &["-help"]),
            Self::Xdotool => step::answers("xdotool", &["--version"]),
            Self::Import => step::answers("import", &["-version"]),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Compiler => "a C compiler (cc)",
            Self::PkgConfig => "pkg-config",
            Self::Alsa => "the ALSA headers",
            Self::JackHeaders => "the JACK headers",
            Self::Ardour => "Ardour 7",
            Self::Jack => "jackd",
            Self::Xvfb => "Xvfb",
            Self::Xdotool => "xdotool",
            Self::Import => "ImageMagick's import",
        }
    }
}

/// A package manager whose package names we know, most common first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    Apt,
    Dnf,
    Pacman,
}

impl Manager {
    const KNOWN: [Self; 3] = [Self::Apt, Self::Dnf, Self::Pacman];

    fn is_here(self) -> bool {
        let program = match self {
            Self::Apt => "apt-get",
            Self::Dnf => "dnf",
            Self::Pacman => "pacman",
        };
        step::answers(program, &["--version"])
    }

    fn package(self, need: Need) -> &'static str {
        match (self, need) {
            (Self::Apt, Need::Compiler) => "build-essential",
            (Self::Apt, Need::PkgConfig) => "pkg-config",
            (Self::Apt, Need::Alsa) => "libasound2-dev",
            (Self::Apt, Need::JackHeaders) => "libjack-jackd2-dev",
            (Self::Dnf | Self::Pacman, Need::Compiler) => "gcc",
            (Self::Dnf, Need::PkgConfig) => "pkgconf-pkg-config",
            (Self::Dnf, Need::Alsa) => "alsa-lib-devel",
            (Self::Dnf, Need::JackHeaders) => "pipewire-jack-audio-connection-kit-devel",
            (Self::Pacman, Need::PkgConfig) => "pkgconf",
            (Self::Pacman, Need::Alsa) => "alsa-lib",
            (Self::Pacman, Need::Jack | Need::JackHeaders) => "jack2",
            (_, Need::Ardour) => "ardour",
            (Self::Apt, Need::Jack) => "jackd2",
            (Self::Dnf, Need::Jack) => "jack-audio-connection-kit",
            (Self::Apt, Need::Xvfb) => "xvfb libgl1-mesa-dri",
            (Self::Dnf, Need::Xvfb) => "xorg-x11-server-Xvfb",
            (Self::Pacman, Need::Xvfb) => "xorg-server-xvfb",
            (_, Need::Xdotool) => "xdotool",
            (Self::Apt | Self::Pacman, Need::Import) => "imagemagick",
            (Self::Dnf, Need::Import) => "ImageMagick",
        }
    }

    /// The line that a person runs.
    fn line(self, missing: &[Need]) -> String {
        let packages: Vec<_> = missing.iter().map(|need| self.package(*need)).collect();
        let packages = packages.join(" ");
        match self {
            Self::Apt => format!("sudo apt-get install -y {packages}"),
            Self::Dnf => format!("sudo dnf install -y {packages}"),
            Self::Pacman => format!("sudo pacman -S --needed {packages}"),
        }
    }
}

/// Makes sure that `needs` are met, on Linux; elsewhere they come with the compiler that built this.
pub(crate) fn ensure(needs: &[Need]) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let missing = unmet(needs);
    if missing.is_empty() {
        return Ok(());
    }
    let manager = Manager::KNOWN.into_iter().find(|manager| manager.is_here());
    if manager == Some(Manager::Apt) && is_root() {
        install_by_apt(&missing)?;
        let missing = unmet(needs);
        if missing.is_empty() {
            return Ok(());
        }
        return Err(Failure::new(format!(
            "still missing after the installation: {}",
            names(&missing)
        )));
    }
    Err(Failure::new(advice(&missing, manager)))
}

fn unmet(needs: &[Need]) -> Vec<Need> {
    needs.iter().copied().filter(|need| !need.is_met()).collect()
}

fn names(needs: &[Need]) -> String {
    needs.iter().map(|need| need.name()).collect::<Vec<_>>().join(", ")
}

/// One line for one who must install `missing` by hand.
fn advice(missing: &[Need], manager: Option<Manager>) -> String {
    let names = names(missing);
    match manager {
        Some(manager) => format!("missing: {names}; run `{}`", manager.line(missing)),
        None => format!("missing: {names}; install them by your system's package manager"),
    }
}

fn install_by_apt(missing: &[Need]) -> Outcome {
    let packages: Vec<_> = missing.iter().map(|need| Manager::Apt.package(*need)).collect();
    step::command("package lists", apt().args(["update", "-qq"]))?;
    let heading = format!("install {}", packages.join(", "));
    step::command(
        &heading,
        apt()
            .args(["install", "-y", "-qq", "-o", "Dpkg::Use-Pty=0", "--no-install-recommends"])
            .args(packages.iter().flat_map(|package| package.split_whitespace())),
    )
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Asked of `id`, since the standard library cannot say it.
fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_one_line_to_run() {
        let missing = [Need::PkgConfig, Need::Alsa];
        assert_eq!(
            advice(&missing, Some(Manager::Apt)),
            "missing: pkg-config, the ALSA headers; \
             run `sudo apt-get install -y pkg-config libasound2-dev`"
        );
        assert_eq!(
            Manager::Dnf.line(&Need::ALL),
            "sudo dnf install -y gcc pkgconf-pkg-config alsa-lib-devel \
             pipewire-jack-audio-connection-kit-devel"
        );
        assert_eq!(
            Manager::Pacman.line(&Need::ALL),
            "sudo pacman -S --needed gcc pkgconf alsa-lib jack2"
        );
        assert!(!advice(&missing, None).contains('\n'));
    }
}
