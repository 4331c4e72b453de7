//! `cargo xtask screenshots`: pictures of the window in every state, taken of the real program on a virtual screen.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::step;
use crate::system::{self, Need};
use crate::workspace::Workspace;

/// A state of the window.
struct Shot {
    /// The picture's name.
    name: &'static str,
    /// What the program is told.
    args: &'static [&'static str],
    /// What is done before the picture is taken.
    steps: &'static [Step],
    /// The window: width, height and zoom, and whether its ground is light.
    window: (u32, u32, u32, bool),
}

/// Something that is done.
enum Step {
    /// So many tenths of a second go by.
    Wait(u64),
    /// The left button is pressed there, in points of a window at zoom 1.
    Click(u32, u32),
}

use Step::{Click, Wait};

const USUAL: (u32, u32, u32, bool) = (1040, 680, 1, false);

/// Long enough for a few bars to be played.
const PLAYED: &[Step] = &[Wait(130)];

/// Until the tune that is played in is over, and it is Sideman's turn.
const AFTERWARDS: &[Step] = &[Wait(360)];

/// A shot of a mode while it plays.
const fn playing(name: &'static str, args: &'static [&'static str]) -> Shot {
    Shot { name, args, steps: PLAYED, window: USUAL }
}

/// Every state.
const SHOTS: [Shot; 17] = [
    Shot { name: "idle", args: &["--mute"], steps: &[Wait(20)], window: USUAL },
    playing("accompany", &["--set", "mode=accompany"]),
    Shot { name: "answer", args: &["--set", "mode=answer"], steps: AFTERWARDS, window: USUAL },
    playing("trade", &["--set", "mode=trade", "--set", "trade-bars=2"]),
    playing("harmonise", &["--set", "mode=harmonise"]),
    Shot {
        name: "solo",
        args: &["--set", "mode=solo", "--set", "scale=dorian", "--set", "key=D"],
        steps: AFTERWARDS,
        window: USUAL,
    },
    playing("cold", &["--set", "temperature=0.4"]),
    playing("hot", &["--set", "temperature=1.8"]),
    Shot { name: "models", args: &["--page", "models"], steps: &[Wait(60)], window: USUAL },
    Shot { name: "presets", args: &["--page", "presets"], steps: &[Wait(60)], window: USUAL },
    Shot {
        name: "capture",
        args: &["--page", "capture"],
        steps: &[Wait(120), Click(131, 191), Wait(10)],
        window: USUAL,
    },
    Shot {
        name: "health",
        args: &["--mute", "--page", "health"],
        steps: &[Wait(120)],
        window: USUAL,
    },
    Shot { name: "offer", args: &["--open", "MUSIC"], steps: &[Wait(50)], window: USUAL },
    Shot {
        name: "training",
        // It goes on when the tune has ended, long before the training has.
        args: &["--open", "MUSIC", "--set", "mode=solo"],
        steps: &[Wait(40), Click(146, 263), Wait(600)],
        window: USUAL,
    },
    Shot {
        name: "error",
        args: &["--page", "models", "--open", "BROKEN"],
        steps: &[Wait(60)],
        window: USUAL,
    },
    Shot { name: "light", args: &[], steps: PLAYED, window: (1040, 680, 1, true) },
    Shot { name: "twice", args: &[], steps: PLAYED, window: (1040, 680, 2, false) },
];

/// Builds the program and takes a picture of each state, into the folder after `--out`; names after it choose some.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Outcome {
    let (out, wanted) = match args {
        [flag, out, wanted @ ..] if flag == "--out" => (PathBuf::from(out), wanted),
        _ => return Err(Failure::usage("write `cargo xtask screenshots --out DIR [STATE...]`")),
    };
    if let Some(unknown) = wanted.iter().find(|name| SHOTS.iter().all(|shot| shot.name != **name)) {
        let names: Vec<&str> = SHOTS.iter().map(|shot| shot.name).collect();
        return Err(Failure::usage(format!(
            "no state is called `{unknown}`: {}",
            names.join(", ")
        )));
    }
    system::ensure(&Need::ALL)?;
    system::ensure(&[Need::Xvfb, Need::Xdotool, Need::Import])?;
    step::command("build the programs", &mut workspace.cargo(&["build", "--bins"]))?;
    fs::create_dir_all(&out).map_err(|e| Failure::new(format!("{}: {e}", out.display())))?;
    let stage = Stage::new(workspace)?;
    for shot in
        SHOTS.iter().filter(|shot| wanted.is_empty() || wanted.iter().any(|w| w == shot.name))
    {
        let picture = out.join(format!("{}.png", shot.name));
        stage.take(shot, &picture)?;
        println!("{}", picture.display());
    }
    Ok(())
}

/// Where the pictures are taken: programs, and a folder with what they are told to open.
struct Stage {
    programs: PathBuf,
    folder: PathBuf,
}

impl Stage {
    fn new(workspace: &Workspace) -> Outcome<Self> {
        let programs = workspace.target_dir().join("debug");
        // Paths are in the pictures: a short one, and of no particular machine.
        let folder = std::env::temp_dir().join("sideman");
        let failed = |error: std::io::Error| Failure::new(format!("{}: {error}", folder.display()));
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(failed)?;
        }
        fs::create_dir_all(folder.join("broken")).map_err(failed)?;
        fs::create_dir_all(folder.join("my songs")).map_err(failed)?;
        fs::write(folder.join("broken/model.json"), "{ \"format\": 1 }").map_err(failed)?;
        // Music to be played in and to learn from: what Sideman plays to its own tune, again and again in another way.
        let sideman = |args: &[&str], out: &Path| {
            let mut command = Command::new(programs.join("sideman"));
            command
                .args(args)
                .arg("--out")
                .arg(out)
                .env("SIDEMAN_CONFIG", folder.join("none.toml"));
            finish(command.stdout(Stdio::null()).stderr(Stdio::null()))
        };
        let tune = folder.join("tune.mid");
        let wav = folder.join("tune.wav");
        let (shown, heard) =
            (tune.to_string_lossy().into_owned(), wav.to_string_lossy().into_owned());
        sideman(&["jam", "--headless", "--silent", "--seconds", "26", "--wav", &heard], &tune)?;
        for seed in ["1", "2", "3", "4", "5", "6", "7", "8"] {
            let song = folder.join("my songs").join(format!("song-{seed}.mid"));
            sideman(&["play", &shown, "--seed", seed], &song)?;
        }
        Ok(Self { programs, folder })
    }

    fn take(&self, shot: &Shot, picture: &Path) -> Outcome {
        let (width, height, zoom, light) = shot.window;
        let pixels = |side: u32| side * zoom;
        let screen = Screen::open(pixels(width), pixels(height))?;
        let ground = if light { "light" } else { "dark" };
        let look =
            format!("zoom = {zoom}.0\nground = \"{ground}\"\nsize = [{width}.0, {height}.0]\n");
        let look_file = self.folder.join("window.toml");
        fs::write(&look_file, look).map_err(|e| Failure::new(e.to_string()))?;
        let mut program = Command::new(self.programs.join("sideman"));
        program.args(["--window", "--silent", "--no-config", "--out"]);
        program.arg(self.folder.join("session.mid"));
        let is_mute = shot.args.contains(&"--mute");
        if !is_mute {
            program.arg("--play-in").arg(self.folder.join("tune.mid"));
        }
        for arg in shot.args.iter().filter(|arg| **arg != "--mute") {
            match *arg {
                "MUSIC" => program.arg(self.folder.join("my songs")),
                "BROKEN" => program.arg(self.folder.join("broken")),
                arg => program.arg(arg),
            };
        }
        for name in ["models", "presets", "captures", "state", "cache"] {
            let variable = format!("SIDEMAN_{}", name.to_uppercase());
            program.env(variable, self.folder.join(name));
        }
        program.env("SIDEMAN_WINDOW", &look_file).env("DISPLAY", &screen.display);
        program.env("LIBGL_ALWAYS_SOFTWARE", "1");
        program.stdin(Stdio::null()).stdout(Stdio::null());
        let mut program =
            Ended(program.spawn().map_err(|e| Failure::new(format!("sideman: {e}")))?);
        for step in shot.steps {
            match step {
                Wait(tenths) => sleep(Duration::from_millis(100 * tenths)),
                Click(x, y) => {
                    let [x, y] = [*x, *y].map(|side| (side * zoom).to_string());
                    screen.xdotool(&["mousemove", &x, &y, "click", "1"])?;
                }
            }
        }
        if let Ok(Some(status)) = program.0.try_wait() {
            return Err(Failure::new(format!("{}: sideman has ended ({status})", shot.name)));
        }
        let mut import = Command::new("import");
        import.args(["-window", "root"]).arg(picture).env("DISPLAY", &screen.display);
        finish(&mut import)?;
        // As by Ctrl-C: it keeps what was played, and the next one has nothing to say of a session that was cut off.
        finish(Command::new("kill").arg(program.0.id().to_string()))?;
        program.0.wait().map_err(|e| Failure::new(e.to_string()))?;
        Ok(())
    }
}

/// A virtual screen.
struct Screen {
    display: String,
    _server: Ended,
}

impl Screen {
    fn open(width: u32, height: u32) -> Outcome<Self> {
        let mut xvfb = Command::new("Xvfb");
        xvfb.args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"]);
        xvfb.arg(format!("{width}x{height}x24")).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = xvfb.spawn().map_err(|e| Failure::new(format!("Xvfb: {e}")))?;
        let mut number = String::new();
        if let Some(out) = server.stdout.take() {
            BufReader::new(out).read_line(&mut number).map_err(|e| Failure::new(e.to_string()))?;
        }
        let display = format!(":{}", number.trim());
        Ok(Self { display, _server: Ended(server) })
    }

    fn xdotool(&self, args: &[&str]) -> Outcome {
        finish(Command::new("xdotool").args(args).env("DISPLAY", &self.display))
    }
}

/// A program that ends with this.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn finish(command: &mut Command) -> Outcome {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(format!("{name}: {status}"))),
        Err(error) => Err(Failure::new(format!("{name}: {error}"))),
    }
}
