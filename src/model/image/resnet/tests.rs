//! Holds whole networks to PyTorch's numbers, to finite differences, and to themselves on any number of threads.

use super::*;
use crate::model::image::slopes;

/// The formula that `by_torch.py` has too: numbers between -1 and 1.
fn numbers(seed: u64, n: usize) -> Vec<f32> {
    let whole = |i: u64| (i * i * 31 + i * 7_919 + seed * 104_729) % 2_003;
    (0..n as u64).map(|i| (whole(i) as f64 / 1_001.0 - 1.0) as f32).collect()
}

/// The network of `by_torch.py`.
fn network(depth: usize) -> ResNet {
    let mut net = ResNet::random(ResNetConfig { depth, classes: 7, width: 64 }, 1).unwrap();
    for (seed, tensor) in net.plan.tensors.iter().enumerate() {
        let values = &mut net.values[tensor.range.clone()];
        values.copy_from_slice(&numbers(seed as u64, values.len()));
        // Norms lift every other channel by 2 and lower the rest, so that hardly a number comes near a ReLU's
        // edge, where single precision might take the other side; a block's last norm is kept small.
        let last = if depth == 50 { ".bn3.weight" } else { ".bn2.weight" };
        let factor = if tensor.name.ends_with(last) { 0.3 } else { 1.0 };
        for (i, x) in values.iter_mut().enumerate() {
            let (scale, shift) = match tensor.shape[..] {
                [height, width, _, outputs] => {
                    (1.7 * (2.0 / (height * width * outputs) as f64).sqrt(), 0.0)
                }
                _ if tensor.name.starts_with("fc.") => (0.1, 0.0),
                _ if tensor.name.ends_with("weight") => (0.2, 1.0),
                _ => (0.2, 2.0 - 4.0 * (i % 2) as f64),
            };
            *x = ((f64::from(*x) * scale + shift) * factor) as f32;
        }
    }
    net
}

/// The images of `by_torch.py`.
fn images() -> Images {
    let pixels = numbers(1_000, 5 * 49 * 63);
    Images { height: 49, width: 63, pixels, labels: vec![4, 0, 6, 1, 2] }
}

/// Names with a product and a length each, as `by_torch.py` writes them.
fn fixture(text: &str) -> impl Iterator<Item = (&str, f64, f64)> {
    text.lines().map(|line| {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let mut number = || words.next().unwrap().parse().unwrap();
        (name, number(), number())
    })
}

/// The distance between `run` and what PyTorch has in its place, as a share of its length, or of `floor` where it is
/// shorter: where the next norm takes back what a summand adds, the gradient is the rest of a difference.
fn distance(run: &[f32], seed: usize, line: (&str, f64, f64), floor: f64) -> f64 {
    let (name, product, length) = line;
    let scale = length.max(floor);
    let ours = slopes::weighted(run, &numbers(seed as u64, run.len()));
    let worst = (ours - product).abs() / scale;
    let ours = slopes::weighted(run, run).sqrt();
    let worst = worst.max((ours - length).abs() / scale);
    assert!(worst.is_finite(), "{name}");
    worst
}

/// Every gradient, the logits, the running estimates and the logits that follow from them.
fn against_torch(depth: usize, text: &str) {
    let (mut net, images, mut workspace) = (network(depth), images(), Workspace::new(2));
    let mut gradients = vec![f32::NAN; net.values.len()];
    let score = workspace.train(&mut net, &images, &mut gradients).unwrap();
    let mut lines = fixture(text);
    let loss = lines.next().unwrap().1;
    assert!((score.nats / 5.0 - loss).abs() < 1e-5, "{} {loss}", score.nats / 5.0);
    let lengths = fixture(text).skip(2).take(net.plan.tensors.len()).map(|line| line.2);
    let floor = 0.01 * lengths.sum::<f64>() / net.plan.tensors.len() as f64;
    let (mut seen, mut all) = (0, 0);
    // One place of a million on the other side of a ReLU's edge moves a gradient by 1e-3, and which side single
    // precision takes depends on the machine's vectors.
    let mut check = |name: &str, run: &[f32], seed: usize, within: f64| {
        let line = lines.next().unwrap();
        assert_eq!(line.0, name);
        let worst = distance(run, seed, line, floor);
        assert!(worst < within, "ResNet-{depth}, {name}: off by {worst}");
        let mut moved = run.to_vec();
        moved.rotate_right(1);
        seen += usize::from(distance(&moved, seed, line, floor) > within);
        all += 1;
    };
    check("logits", workspace.logits(), 2_000, 1e-5);
    for (nth, tensor) in net.plan.tensors.iter().enumerate() {
        check(&tensor.name, &gradients[tensor.range.clone()], nth + 1, 1e-2);
    }
    for (nth, buffer) in net.plan.buffers.iter().enumerate() {
        check(&buffer.name, &net.running[buffer.range.clone()], nth, 1e-5);
    }
    workspace.evaluate(&net, &images).unwrap();
    check("eval", workspace.logits(), 2_000, 1e-5);
    assert!(lines.next().is_none());
    // The measure sees runs that are wrong by one place.
    assert!(seen * 10 > all * 9, "{seen} of {all}");
}

#[test]
fn eighteen_layers_are_as_in_torch() {
    against_torch(18, include_str!("torch-18.txt"));
}

#[test]
fn fifty_layers_are_as_in_torch() {
    against_torch(50, include_str!("torch-50.txt"));
}

/// A small net of every kind, trained on a batch whose size the threads do not divide.
#[test]
fn threads_change_no_bit_and_training_learns() {
    for depth in [18, 34, 50] {
        let train = |threads: usize| {
            let config = ResNetConfig { depth, classes: 3, width: 4 };
            let (mut net, mut workspace) =
                (ResNet::random(config, 5).unwrap(), Workspace::new(threads));
            let images = Images {
                height: 21,
                width: 34,
                pixels: numbers(7, 5 * 21 * 34),
                labels: vec![0, 1, 2, 1, 0],
            };
            let mut gradients = vec![0.0; net.values.len()];
            let mut nats = Vec::new();
            for _ in 0..20 {
                nats.push(workspace.train(&mut net, &images, &mut gradients).unwrap().nats);
                net.values.iter_mut().zip(&gradients).for_each(|(x, g)| *x -= 0.02 * g);
            }
            assert!(nats[19] < 0.3 * nats[0], "ResNet-{depth}: {nats:?}");
            let numbers = net.values.into_iter().chain(net.running);
            numbers.map(f32::to_bits).collect::<Vec<_>>()
        };
        let one = train(1);
        assert!(one == train(2) && one == train(3), "ResNet-{depth}");
    }
}

#[test]
fn the_seed_decides() {
    let config = ResNetConfig { depth: 18, classes: 3, width: 8 };
    let net = ResNet::random(config, 1).unwrap();
    assert_eq!(net.values, ResNet::random(config, 1).unwrap().values);
    assert_ne!(net.values, ResNet::random(config, 2).unwrap().values);
    let conv = &net.plan.tensors[3];
    let values = &net.values[conv.range.clone()];
    let square = slopes::weighted(values, values) / values.len() as f64;
    assert!((square / (2.0 / (9.0 * 8.0)) - 1.0).abs() < 0.2, "He's variance: {square}");
}

#[test]
fn images_of_any_size_pass_and_wrong_ones_are_refused() {
    let config = ResNetConfig { depth: 18, classes: 3, width: 2 };
    let mut net = ResNet::random(config, 1).unwrap();
    let mut gradients = vec![0.0; net.values.len()];
    let mut workspace = Workspace::new(2);
    for (height, width) in [(1, 1), (2, 1), (70, 40), (5, 64)] {
        let pixels = numbers(3, 2 * height * width);
        let images = Images { height, width, pixels, labels: vec![2, 0] };
        let score = workspace.train(&mut net, &images, &mut gradients).unwrap();
        assert!(score.nats.is_finite() && score.right <= 2);
        assert!(gradients.iter().all(|g| g.is_finite()), "{height} x {width}");
        assert!(workspace.evaluate(&net, &images).unwrap().nats.is_finite());
    }
    let good = Images { height: 2, width: 2, pixels: vec![0.0; 4], labels: vec![0] };
    for bad in [
        Images { labels: vec![3], ..good.clone() },
        Images { labels: vec![], ..good.clone() },
        Images { height: 3, ..good.clone() },
        Images { height: usize::MAX, width: usize::MAX, ..good.clone() },
        Images { height: 0, pixels: vec![], ..good.clone() },
    ] {
        assert!(workspace.evaluate(&net, &bad).is_err(), "{bad:?}");
        assert!(workspace.train(&mut net, &bad, &mut gradients).is_err(), "{bad:?}");
    }
    assert!(workspace.train(&mut net, &good, &mut gradients[1..]).is_err());
}

/// A narrow network with the running estimates of these images.
fn settled(depth: usize, images: &Images, workspace: &mut Workspace) -> ResNet {
    let mut net = ResNet::random(ResNetConfig { depth, classes: 7, width: 8 }, 2).unwrap();
    let mut gradients = vec![0.0; net.values.len()];
    // Each step leaves nine tenths of the old estimate.
    for _ in 0..40 {
        workspace.train(&mut net, images, &mut gradients).unwrap();
    }
    net
}

#[test]
fn the_pixels_gradient_is_the_slope_of_a_channels_mean() {
    let mut workspace = Workspace::new(2);
    let pixels = numbers(9, 2 * 41 * 50);
    let images = Images { height: 41, width: 50, pixels, labels: vec![0, 1] };
    for depth in [18, 50] {
        let net = settled(depth, &images, &mut workspace);
        for place in 0..PLACES {
            let (maps, mut gradient) = (workspace.maps(&net, &images, place).unwrap(), Vec::new());
            let means = maps.means();
            let loudest = |image: usize| {
                let means = &means[image * maps.channels..][..maps.channels];
                (0..means.len()).max_by(|a, b| means[*a].total_cmp(&means[*b])).unwrap()
            };
            let channels = [loudest(0), loudest(1)];
            let means = workspace.slope(&net, &images, place, &channels, &mut gradient).unwrap();
            let of = |maps: &Maps| {
                let mean = |image: usize| {
                    let map = maps.map(image, channels[image]);
                    map.iter().map(|x| f64::from(*x)).sum::<f64>() / map.len() as f64
                };
                [mean(0), mean(1)]
            };
            assert!((of(&maps)[0] - f64::from(means[0])).abs() < 1e-4, "{means:?}");
            assert!(means.iter().all(|m| *m > 0.0), "{means:?}");
            let mut moved = images.clone();
            let mut slope = |i: usize| {
                let mut at = |step: f32| {
                    moved.pixels[i] = images.pixels[i] + step;
                    of(&workspace.maps(&net, &moved, place).unwrap()).iter().sum::<f64>()
                };
                let slope = (at(1.5e-3) - at(-1.5e-3)) / 3e-3;
                at(0.0);
                slope
            };
            let pixels: Vec<usize> = (0..images.pixels.len()).step_by(131).collect();
            let slopes: Vec<f64> = pixels.iter().map(|i| slope(*i)).collect();
            let scale = slopes.iter().fold(0.0_f64, |most, s| most.max(s.abs()));
            let off = |shift: usize| {
                let of = |(nth, i): (usize, &usize)| {
                    (slopes[(nth + shift) % slopes.len()] - f64::from(gradient[*i])).abs() / scale
                };
                let mut off: Vec<f64> = pixels.iter().enumerate().map(of).collect();
                off.sort_by(f64::total_cmp);
                off
            };
            // A step over a ReLU's edge or another pixel in the pool makes a few slopes wrong, not most.
            let (right, wrong) = (off(0), off(1));
            let (half, most) = (right.len() / 2, right.len() * 9 / 10);
            assert!(right[half] < 4e-2, "ResNet-{depth}, place {place}: {right:?}");
            assert!(right[most] < 0.15, "ResNet-{depth}, place {place}: {right:?}");
            assert!(
                wrong[half] > 5.0 * right[half],
                "the measure sees a gradient that is off by a place"
            );
        }
    }
}

#[test]
fn a_silent_channel_can_be_woken() {
    let mut workspace = Workspace::new(1);
    let images = Images { height: 16, width: 24, pixels: numbers(4, 16 * 24), labels: vec![0] };
    let config = ResNetConfig { depth: 18, classes: 3, width: 4 };
    let mut net = ResNet::random(config, 3).unwrap();
    for place in 0..PLACES {
        let name = [
            "bn1.bias",
            "layer1.1.bn2.bias",
            "layer2.1.bn2.bias",
            "layer3.1.bn2.bias",
            "layer4.1.bn2.bias",
        ][place];
        let bias = net.plan.tensors.iter().find(|t| t.name == name).unwrap().range.start;
        net.values[bias + 1] -= 1e3;
        let mut gradient = Vec::new();
        let means = workspace.slope(&net, &images, place, &[1], &mut gradient).unwrap();
        assert!(means[0].abs() < 1e-9, "{means:?}");
        assert!(gradient.iter().any(|g| *g != 0.0) && gradient.iter().all(|g| g.is_finite()));
        net.values[bias + 1] += 1e3;
    }
    for (place, channels) in [(PLACES, &[0][..]), (1, &[4]), (1, &[0, 0])] {
        assert!(workspace.slope(&net, &images, place, channels, &mut Vec::new()).is_err());
    }
}

#[test]
fn a_class_maps_mean_is_its_logit() {
    let (images, mut workspace) = (images(), Workspace::new(2));
    let net = settled(18, &images, &mut workspace);
    let (maps, biases) = workspace.class_maps(&net, &images).unwrap();
    workspace.evaluate(&net, &images).unwrap();
    let means = maps.means();
    assert_eq!(means.len(), workspace.logits().len());
    for (i, (mean, logit)) in means.iter().zip(workspace.logits()).enumerate() {
        let distance = (mean + biases[i % biases.len()] - logit).abs();
        assert!(distance < 1e-4 * logit.abs().max(1.0), "{mean} {logit}");
    }
}
