//! 全国実用試験 on real parts: a window for training looks like the other and is marked everywhere, and nothing
//! of it works with what is not for training.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use pki_core::certificate::CertificateImage;
use pki_core::mode::Mode;
use softhsm_tests::scene::{Scene, text_of};
use xtask::local::Local;
use xtask::process::{self, Start};
use xtask::report::Report;
use xtask::stack::Settings;
use xtask::stack::layout::Database;
use xtask::window::SOUMU_TARO;
use xtask::workspace::{Profile, Programs};

const MODE: &str = "mode = \"training\"\n";

#[test]
fn a_window_for_training_is_marked_and_works_with_nothing_else() {
    let settings = Settings {
        training: true,
        ..Settings::default()
    };
    let scene = Scene::open("training", Database::Sqlite, settings).unwrap();
    let programs = Programs::build(&Report::kept(), Profile::Dev).unwrap();
    certificate_screens_and_papers_are_marked(&scene);
    no_program_starts_as_what_its_certificates_do_not_say(&scene, &programs);
    a_production_gateway_before_the_training_authority_says_why(&scene, &programs);
    scene.close().unwrap();
}

fn certificate_screens_and_papers_are_marked(scene: &Scene) {
    let window = &scene.window;
    let card = scene.stack().resident_card(0);
    let id = scene.written(&SOUMU_TARO, &card).unwrap();
    let image = CertificateImage::decode(&window.certificate(&id).unwrap()).unwrap();
    assert_eq!(Mode::of_certificate(&image), Mode::Training);

    let page = |pages: &Local, path: &str| {
        let page = pages.get(path).unwrap().ok().unwrap();
        String::from_utf8(page).unwrap()
    };
    for path in ["/screens/applications", "/screens/office"] {
        let shown = page(&window.counter, path);
        assert!(shown.contains("訓練・試験用"), "{path}: {shown}");
    }
    let shown = page(&window.kiosk, "/");
    assert!(
        shown.contains("class=\"training\"") && shown.contains("くんれん"),
        "{shown}"
    );
    let online = scene
        .client(scene.stack().where_to().online(), None)
        .unwrap();
    let shown = online.ask("GET", "/", &[], b"").unwrap();
    assert!(
        String::from_utf8(shown.body)
            .unwrap()
            .contains("訓練・試験用")
    );

    let amount = serde_json::json!({ "amount_yen": 500 });
    window.step(&id, "fee", &amount).unwrap();
    for (name, path) in [("copy", "copy.pdf"), ("receipt", "receipt.pdf")] {
        let paper = window
            .counter
            .get(&format!("/api/applications/{id}/{path}"))
            .unwrap();
        let file = scene.file(&format!("scratch-{name}.pdf"));
        fs::write(&file, paper.ok().unwrap()).unwrap();
        let mut read = Command::new("pdftotext");
        let text = process::run(read.arg(&file).arg("-")).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("見本・訓練"), "{name}: {text}");
    }
}

fn no_program_starts_as_what_its_certificates_do_not_say(scene: &Scene, programs: &Programs) {
    for (program, command, config) in [
        ("ca-server", "issue", "ca/ca.toml"),
        ("ra-gateway", "serve", "gateway/ra.toml"),
        ("counter-terminal", "serve", "counter/counter.toml"),
        ("keygen-kiosk", "serve", "kiosk/kiosk.toml"),
    ] {
        let check = |file: &std::path::Path| {
            let mut check = Command::new(programs.path(program));
            check
                .args([command, "--check-config", "--config"])
                .arg(file);
            process::output(&mut check).unwrap()
        };
        let file = scene.file(config);
        assert!(check(&file).status.success(), "{program}");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(MODE), "{program}: {text}");
        let other = file.with_file_name("other.toml");
        fs::write(&other, text.replace(MODE, "")).unwrap();
        let refused = check(&other);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success(), "{program} starts");
        assert!(
            said.contains("it is of training, and this is production"),
            "{program}: {said}"
        );
    }
}

/// A gateway all of whose own files are of production, but for the address of the authority.
fn a_production_gateway_before_the_training_authority_says_why(scene: &Scene, programs: &Programs) {
    let (key, anchor) = (
        scene.file("gateway/other.key"),
        scene.file("gateway/other.pem"),
    );
    let mut make = Command::new("openssl");
    make.args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "30"]);
    make.args(["-pkeyopt", "ec_paramgen_curve:P-256"]);
    make.args(["-subj", "/C=JP/O=JPKI-TEST/OU=Infrastructure CA"]);
    process::run(make.arg("-keyout").arg(&key).arg("-out").arg(&anchor)).unwrap();
    let text = fs::read_to_string(scene.file("gateway/ra.toml"))
        .unwrap()
        .replace(MODE, "")
        .replace("../ceremony/ca/sign.cer", "other.pem")
        .replace("../ceremony/infra.pem", "other.pem")
        .replace("ra.sqlite", "other.sqlite");
    let config = scene.file("gateway/other.toml");
    fs::write(&config, text).unwrap();
    let gateway = programs.path("ra-gateway");
    let mut migrate = Command::new(&gateway);
    process::run(migrate.args(["migrate", "--config"]).arg(&config)).unwrap();
    let mut running = Start::new("other-gateway", &gateway, scene.file("other-gateway.log"))
        .args(["serve", "--config"])
        .args([&config])
        .ready_file(scene.file("other-gateway.json"))
        .start()
        .unwrap();
    let ready = running.wait_ready(Duration::from_secs(60)).unwrap();
    let admin = Local::new(&text_of(&ready["listen"]["admin"]), None);
    let asked = Instant::now();
    let why = loop {
        let answer = admin.get("/readyz").unwrap();
        if answer.status == 503 {
            break String::from_utf8(answer.body).unwrap();
        }
        assert!(
            asked.elapsed() < Duration::from_secs(120),
            "it takes the authority for its own: {}",
            answer.told()
        );
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(
        why.contains("not of this gateway's infrastructure CA (production)"),
        "{why}"
    );
    assert!(running.end().unwrap().success());
}
