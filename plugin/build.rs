//! Lists every file of our charts, so that the program holds them and none can be forgotten.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Of each chart, the name of the constant and the folder below `charts/`.
const CHARTS: [(&str, &str); 2] = [
    ("WEBHOOK_FILES", "thanos-webhook"),
    ("THANOS_FILES", "thanos"),
];

fn main() -> io::Result<()> {
    let room = env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    let charts = room.join("../charts");
    let mut code = String::new();
    for (name, chart) in CHARTS {
        let folder = charts.join(chart);
        println!("cargo:rerun-if-changed={}", folder.display());
        let mut files = BTreeMap::new();
        collect(&folder, "", &mut files)?;
        let _ = writeln!(code, "pub(super) static {name}: &[(&str, &[u8])] = &[");
        for (path, file) in files {
            let file = file.canonicalize()?;
            let _ = writeln!(
                code,
                "    ({path:?}, include_bytes!({:?})),",
                file.display().to_string()
            );
        }
        code.push_str("];\n");
    }
    let out = env::var_os("OUT_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    fs::write(out.join("charts.rs"), code)
}

/// Files by their path in the chart.
fn collect(folder: &Path, below: &str, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &path, files)?;
        } else {
            files.insert(path, entry.path());
        }
    }
    Ok(())
}
