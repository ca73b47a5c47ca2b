//! Files that lie beside the gateway.

use ra_gateway::app::refusal::Failure;
use schema::wire::v1::ra;

use crate::support::window::World;

#[test]
fn the_register_file_is_read_anew_when_it_was_replaced() {
    let world = World::on(None);
    let clerk = world.clerk();
    let query = ra::RegisterLookupRequest {
        resident: Some("13101-000009".into()),
        ..ra::RegisterLookupRequest::default()
    };
    let count = || world.app.look_up(&clerk, &query).unwrap().entries.len();
    assert_eq!(count(), 0);
    let line = "13101-000009,13101,新田　一,420000101,1,東京都千代田区一番町１番,resident\n";
    let file = format!("{}{line}", crate::support::window::REGISTER);
    std::fs::write(world.folder.path("new.csv"), file).unwrap();
    std::fs::rename(
        world.folder.path("new.csv"),
        world.folder.path("register.csv"),
    )
    .unwrap();
    assert_eq!(count(), 1);
    std::fs::write(world.folder.path("register.csv"), "half a fi").unwrap();
    assert!(matches!(
        world.app.look_up(&clerk, &query),
        Err(Failure::Away {
            what: "register-away",
            ..
        })
    ));
}

#[test]
fn the_database_file_holds_no_personal_data_in_the_clear() {
    let world = World::on(None);
    let clerk = world.clerk();
    let mut card = world.card();
    world.issued(&clerk, &mut card);
    let mut seen = 0;
    for file in std::fs::read_dir(&world.folder.0).unwrap() {
        let path = file.unwrap().path();
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("ra.db"))
        {
            let bytes = std::fs::read(&path).unwrap();
            seen += bytes.len();
            for text in ["太郎", "霞が関", "319500401", "13101-000001"] {
                let found = bytes
                    .windows(text.len())
                    .any(|window| window == text.as_bytes());
                assert!(!found, "{text} in {}", path.display());
            }
        }
    }
    assert!(seen > 10_000);
}
