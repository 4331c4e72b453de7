//! What `--help` prints: the overview, and a page for each task.

/// The page about `task`, or the overview for an empty name; `None` for a task that is not there.
pub(crate) fn page(task: &str) -> Option<&'static str> {
    Some(match task {
        "" => OVERVIEW,
        "jam" => JAM,
        "test" => TEST,
        "realtime" => REALTIME,
        "check" => CHECK,
        "check-cuda" => CHECK_CUDA,
        "desktop" => DESKTOP,
        "screenshots" => SCREENSHOTS,
        "peers" => PEERS,
        "ci" => CI,
        "bundle" | "bundle-universal" => BUNDLE,
        _ => return None,
    })
}

const OVERVIEW: &str = "\
The tasks of the Sideman repository.

Usage: cargo xtask <task> [arguments]

Tasks:
  jam [arguments]     build the program and run `sideman jam`
  test [arguments]    bundle the plugin, then run every test
  realtime            bundle the plugin, then play it under a real-time sanitizer
  check               format, spelling, clippy, documentation, licences
  check-cuda          clippy for the feature cuda, with no CUDA needed
  peers               our step beside the engines of others, as a table
  ci                  check, then test
  bundle [arguments]  build the CLAP and VST3 plugins into target/bundled; --cuda: for NVIDIA's GPUs
  desktop [folder]    menu entry, icon, pages for man and completions, for you alone
  screenshots --out DIR  pictures of the window in every state
  help [task]         this page, or the page of a task

Examples:
  cargo xtask jam                  hear it play
  cargo xtask test                 everything
  cargo xtask test held            only tests with `held` in their name
  cargo xtask bundle               the plugin, in release mode
  cargo xtask jam -- --help        what the program itself can do

On Linux the system libraries that are missing are installed when you are root and apt is there;
otherwise the line that installs them is printed.

Exit codes: 0 all is well, 1 a step failed, 2 the call made no sense; `jam` ends with the program's own.
";

const JAM: &str = "\
Builds the program in release mode and runs `sideman jam` in the repository's root.

Usage: cargo xtask jam [--] [arguments of sideman jam]

Examples:
  cargo xtask jam
  cargo xtask jam -- --help        the program's own options

Relative paths are taken from the repository's root. The exit code is the program's.
";

const DESKTOP: &str = "\
Puts a menu entry, an icon, pages for man and completions for bash, zsh and fish below your data folder
($XDG_DATA_HOME, else ~/.local/share), for the programs that `cargo install --path .` installed.

Usage: cargo xtask desktop [folder of the programs]

Examples:
  cargo xtask desktop
  cargo xtask desktop target/release
";

const SCREENSHOTS: &str = "\
Builds the programs, opens the window on a virtual screen (Xvfb) in every state - idle, each mode, models, training, an error -
and takes a picture of each. It plays in real time: all of them take about seven minutes.

Usage: cargo xtask screenshots --out DIR [state...]

Examples:
  cargo xtask screenshots --out pictures
  cargo xtask screenshots --out pictures idle trade
";

const TEST: &str = "\
Bundles the plugin in release mode, then runs the tests of the package (by cargo-nextest when it is
installed, else by cargo test), those of xtask, the doc tests, and what `realtime` runs.

Usage: cargo xtask test [--ardour] [arguments of cargo nextest run, or of cargo test]

With arguments only what they choose is run; xtask's tests, the doc tests and the sanitizer are left out.

  --ardour        install Ardour 7 and JACK first (hundreds of megabytes); without them, and without
                  real-time priority, the tests in a real host are skipped

Environment of the tests:
  SIDEMAN_CLAP    the built CLAP plugin's shared library, absolute path
  SIDEMAN_VST3    the built VST3 plugin's shared library, absolute path

Examples:
  cargo xtask test
  cargo xtask test --test tidy
  cargo xtask test --ardour --test ardour --no-capture
  cargo xtask test held
";

const REALTIME: &str = "\
Bundles the plugin in release mode and plays its CLAP and VST3 files, as they are, in a host that is
linked with LLVM's real-time sanitizer: whatever may wait on the audio thread prints its stack and ends
the host. First it is shown to find what is planted. Skipped where Rust brings no such runtime.
The same performances go under the kernel's watch for system calls with the other tests.

Usage: cargo xtask realtime

Environment:
  SIDEMAN_REALTIME_BLOCKS    blocks of a performance (5000)
";

const CHECK: &str = "\
Everything that runs none of our code, cheapest first, up to the first failure: format, spelling
(typos), clippy for the default features and for each face alone, clippy for xtask, `check-cuda`,
documentation, licences and advisories (cargo-deny). Warnings are errors. A tool that is not installed
is named and skipped.

Usage: cargo xtask check
";

const CHECK_CUDA: &str = "\
Type-checks and lints the library with the feature `cuda` on a machine without CUDA: a script stands in
for nvcc. Runs nothing on a GPU. Its build folder is target/check-cuda; nothing in it can be run.
`check` does it too.

Usage: cargo xtask check-cuda
";

const PEERS: &str = "\
Runs the model's step beside those of others, with the same weights and the same inputs, one thread each:
torch (nn.LSTM, inference mode, mkldnn off and on), ONNX Runtime (bound inputs and outputs), tract, and
candle. Each is a process of its own; they take turns in one run, a few steps each, so that whatever else
the machine does meets all of them alike. Before that, all logits are held to ours. Prints a table for each of
the shapes S, M and L: microseconds a step, and the ratio to ours.

Usage: cargo xtask peers [--quick] [--python PROGRAM]

  --quick            a few turns, for a look
  --python PROGRAM   a Python that has what xtask/peers/requirements.txt asks for; else one is made, with
                     gigabytes from PyPI, in target/peers

RTNeural is left out: no package registry carries it.
";

const CI: &str = "\
Runs `check`, then `test`.

Usage: cargo xtask ci
";

const BUNDLE: &str = "\
Builds the plugin alone (`--no-default-features --features plugin --release`) and writes the CLAP and
VST3 bundles into target/bundled, which is emptied first.

Usage: cargo xtask bundle [sideman] [--debug] [arguments of cargo build]
       cargo xtask bundle --cuda           with the model on an NVIDIA GPU
       cargo xtask bundle-universal ...    both processors in one bundle, on macOS

`--cuda` (Linux; stands alone) writes plugin, `sideman` and `sideman-train` (which trains on the CPU all the
same) into target/cuda-VERSION/build/bundled. It needs no GPU and no CUDA but python3 with venv: NVIDIA's
compiler comes as Python wheels, 330 MB. What is built starts with a driver and without, which is tried at
the end: it falls back to the CPU and says why. To use a GPU it loads libcuda, libcublas and libcurand of
CUDA 13 at run time.

Environment of `--cuda`:
  CUDA_COMPUTE_CAP    the oldest GPU generation that the kernels are for (80)
  CUDAFORGE_THREADS   kernels that are compiled at a time (one a core)

Examples:
  cargo xtask bundle
  cargo xtask bundle --debug               the dev profile instead of release
  cargo xtask bundle --features cuda       a further feature
  cargo xtask bundle --target x86_64-pc-windows-gnu
";
