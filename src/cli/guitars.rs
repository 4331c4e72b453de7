//! `sideman-train guitars`: how well parts without a program are recognised.

use anyhow::Result;

use crate::cli::train_args::GuitarsArgs;
use crate::train::guitar_guessing::measure;

/// Measures, and prints.
pub(super) fn guitars(args: &GuitarsArgs) -> Result<()> {
    let found = measure(&args.data, args.fit)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(());
    }
    if args.fit {
        println!("weights fitted on {} parts:", found.fitted_on);
        let weights: Vec<String> = found.weights.iter().map(|w| format!("{w:.3}")).collect();
        println!("    {}", weights.join(", "));
    }
    println!(
        "{} parts of the other files, {} of them electric guitars",
        found.parts, found.guitars
    );
    println!(
        "{:>24} {:.3} (always saying their share: {:.3})",
        "Brier score", found.brier, found.brier_of_the_share
    );
    for at in &found.at {
        println!(
            "{:>24} precision {:.1} %, recall {:.1} %",
            format!("from {}", at.threshold),
            100.0 * at.precision,
            100.0 * at.recall
        );
    }
    for (said, true_share, parts) in &found.calibration {
        println!("{:>24} {:.2} of {parts} parts", format!("said {said:.2}, true"), true_share);
    }
    Ok(())
}
