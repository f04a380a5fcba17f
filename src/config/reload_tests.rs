//! Which configurations may take the place of the one in force.

use super::*;

#[test]
fn what_is_left_of_a_file_that_was_emptied_or_cut_takes_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate.toml");
    let written = |text: &str| {
        std::fs::write(&path, text).unwrap();
        read(Some(&path)).unwrap()
    };
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
    let (full, bare) = (written(listener), written("mode = \"observe\""));
    for (text, before, first, said) in [
        ("", &full, &full, Some("says nothing")),
        ("\n \t\n", &bare, &bare, Some("says nothing")),
        ("# mode = \"observe\"\n", &bare, &bare, Some("says nothing")),
        ("mode = \"observe\"", &full, &full, Some("has no [[listener]]")),
        ("mode = \"observe\"", &bare, &bare, None),
        (listener, &bare, &bare, None),
        // They came with a reload and wait for a restart: nothing listens there.
        ("mode = \"observe\"", &full, &bare, None),
        ("", &written(""), &written("# nothing"), None),
    ] {
        let told = written(text).may_follow(before, first).map_err(|complaints| complaints.to_string());
        match said {
            None => assert_eq!(told, Ok(()), "{text:?}"),
            Some(said) => {
                let told = told.unwrap_err();
                assert!(told.contains(said) && told.starts_with(&path.display().to_string()), "{told}");
            }
        }
    }
    assert!(read(None).unwrap().may_follow(&full, &full).is_ok(), "there is no file to be cut");
}
