//! A model folder comes back as it was saved, and a wrong or hostile one is a one-line error.

use super::*;

fn checkpoint() -> Checkpoint {
    let config = LstmConfig { embedding: 4, hidden: 3, layers: 2, ..LstmConfig::default() };
    let manifest = Manifest {
        format: FORMAT,
        recipe: "duet".to_owned(),
        sideman: "0.0.0".to_owned(),
        config,
        vocabulary: Vocabulary::duet(),
        tokenizer: "test".to_owned(),
        styles: Vec::new(),
        home_style: 0,
        usual: Vec::new(),
        from: None,
        corpus: Corpus {
            sources: vec![Source {
                name: "made up".to_owned(),
                licence: "CC0".to_owned(),
                url: String::new(),
            }],
            ..Corpus::default()
        },
        seed: 7,
        steps: 3,
        metrics: BTreeMap::from([("nats_per_note".to_owned(), 4.5)]),
    };
    Checkpoint { manifest, parameters: Parameters::random(config, 7).unwrap() }
}

/// The error of a model whose files were tampered with; it must be one line.
fn error(manifest: &[u8], weights: &[u8]) -> String {
    let message = Checkpoint::from_bytes(manifest, weights).unwrap_err().to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

fn manifest_with(change: impl Fn(&mut serde_json::Value)) -> Vec<u8> {
    let mut json = serde_json::to_value(checkpoint().manifest).unwrap();
    change(&mut json);
    serde_json::to_vec(&json).unwrap()
}

#[test]
fn a_folder_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let saved = checkpoint();
    saved.save(folder.path()).unwrap();
    let loaded = Checkpoint::load(folder.path()).unwrap();
    assert_eq!(loaded, saved);
    assert_eq!(loaded.hash(), saved.hash());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left over");
}

#[test]
fn the_hash_is_of_the_playing() {
    let a = checkpoint();
    let mut b = a.clone();
    b.manifest.metrics.clear();
    assert_eq!(a.hash(), b.hash());
    b.parameters.values_mut()[5] += 1.0;
    assert_ne!(a.hash(), b.hash());
}

#[test]
fn a_wrong_manifest_is_named() {
    let (_, weights) = checkpoint().to_bytes().unwrap();
    let check = |change: fn(&mut serde_json::Value), part: &str| {
        let message = error(&manifest_with(change), &weights);
        assert!(message.contains(part), "{message}");
    };
    check(|m| m["format"] = 2.into(), "format 2, this Sideman reads format 1");
    check(|m| m["format"] = "1".into(), "model.json: invalid type");
    check(|m| m["extra"] = 1.into(), "unknown field `extra`");
    check(|m| m["styles"] = vec!["a"; 74].into(), "styles is 74, allowed are 0 to 63");
    check(|m| m["home_style"] = 1.into(), "home_style is 1, allowed are 0 to 0");
    check(
        |m| m["styles"] = vec!["jazz", "jazz"].into(),
        "'jazz' is no name of a style, or is there twice",
    );
    for name in ["", "a b", "7", "Any", "own", "None", "a\n", &"x".repeat(33)] {
        let message = error(&manifest_with(|m| m["styles"] = vec![name].into()), &weights);
        assert!(message.contains("is no name of a style"), "{message}");
    }
    check(|m| m["vocabulary"]["hash"] = "00".into(), "vocabulary hash is '00'");
    check(|m| m["vocabulary"]["name"] = "a\nb".into(), "vocabulary is 'ab'");
    check(|m| m["config"]["hidden"] = 4_000_000_000_u64.into(), "hidden is 4000000000");
    check(|m| m["config"]["layers"] = 0.into(), "layers is 0");
    check(|m| m["config"]["vocabulary"] = 255.into(), "output size is '255'");
    check(|m| m["config"]["hidden"] = 5.into(), "has shape [12");
    check(|m| m["config"]["layers"] = 3.into(), "'lstm.weight_ih_l2' is missing");
    check(|m| m["config"]["layers"] = 1.into(), "unknown tensor 'lstm.");
    assert!(error(b"", &weights).starts_with("model.json: "));
    assert!(error(&vec![b'['; 1 << 19], &weights).starts_with("model.json: "));
    assert!(error(&vec![b' '; 2 << 20], &weights).contains("at most"));
}

#[test]
fn wrong_weights_are_named() {
    let good = checkpoint();
    let (manifest, weights) = good.to_bytes().unwrap();
    assert!(error(&manifest, b"").contains("empty or cut off"));
    assert!(error(&manifest, &weights[..7]).contains("empty or cut off"));
    assert!(error(&manifest, &[255; 100]).contains("header"));
    for cut in [8, 100, weights.len() / 2, weights.len() - 1] {
        error(&manifest, &weights[..cut]);
    }
    let mut nan = good;
    nan.parameters.values_mut()[9] = f32::NAN;
    let (_, weights) = nan.to_bytes().unwrap();
    assert!(error(&manifest, &weights).contains("'embedding.weight' holds a number"));
}

#[test]
fn flipped_bytes_never_panic() {
    let (manifest, weights) = checkpoint().to_bytes().unwrap();
    for at in 0..manifest.len() {
        let mut bytes = manifest.clone();
        bytes[at] ^= 0x15;
        let _ = Checkpoint::from_bytes(&bytes, &weights);
    }
    for at in 0..weights.len().min(2_000) {
        for flip in [0x01, 0x80] {
            let mut bytes = weights.clone();
            bytes[at] ^= flip;
            let _ = Checkpoint::from_bytes(&manifest, &bytes);
        }
    }
}

#[test]
fn a_missing_folder_is_an_error() {
    let error = Checkpoint::load(Path::new("no/such/model")).unwrap_err().to_string();
    assert!(error.starts_with("no/such/model/model.json: "), "{error}");
}

#[test]
fn the_alphabet_has_not_moved() {
    // A new hash means that no model made before can be read: raise FORMAT and say so in the changelog.
    assert_eq!(&Vocabulary::duet().hash[..16], "e1ddb30028b6c60c");
}

#[test]
fn what_is_usual_is_kept_and_must_be_sane() {
    let usual = |density| Usual { density, density_alone: 4.0, loudness: Some(70.0) };
    let saved = |usual: Vec<Usual>| {
        let mut saved = checkpoint();
        saved.manifest.usual = usual;
        let (manifest, weights) = saved.to_bytes().unwrap();
        Checkpoint::from_bytes(&manifest, &weights).map(|c| c.manifest.usual)
    };
    assert_eq!(saved(vec![usual(2.5)]).unwrap(), [usual(2.5)]);
    for wrong in [vec![usual(2.5); 2], vec![usual(-1.0)], vec![usual(1e6)]] {
        let error = saved(wrong).unwrap_err().to_string();
        assert!(error.contains("usual"), "{error}");
    }
}
