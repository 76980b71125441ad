//! Where the programs are: the real ones that `make tools` built, and our own beside this test program.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The folder of the whole project.
pub fn root() -> &'static Path {
    const ROOM: &str = env!("CARGO_MANIFEST_DIR");
    Path::new(ROOM).parent().unwrap_or(Path::new(ROOM))
}

/// A real program that `tests/tools/build.py` built.
///
/// # Errors
/// Says what to type when it is not there.
pub fn tool(name: &str) -> Result<PathBuf> {
    let path = root().join("target/tools/bin").join(name);
    ensure!(path.exists(), "{name} is not built yet: run `make tools`");
    Ok(path)
}

/// The API server that clusters run: another than the newest where `THANOS_APISERVER` names it (`make matrix`).
pub fn api_server() -> String {
    std::env::var("THANOS_APISERVER").unwrap_or_else(|_| "kube-apiserver".to_owned())
}

/// The file of one of the operator's resource definitions, by plural: `prometheuses`.
///
/// # Errors
/// Says what to type when it is not there.
pub fn crd(plural: &str) -> Result<PathBuf> {
    let path = root().join(format!("target/tools/crds/{plural}.yaml"));
    ensure!(
        path.exists(),
        "the CRD of {plural} is not there yet: run `make tools`"
    );
    Ok(path)
}

/// The file of a definition that is no operator's, by its whole name: `gateways.gateway.networking.k8s.io`.
///
/// # Errors
/// Says what to type when it is not there.
pub fn hub_crd(name: &str) -> Result<PathBuf> {
    let path = root().join(format!("target/tools/crds-hub/{name}.yaml"));
    ensure!(
        path.exists(),
        "the CRD {name} is not there yet: run `make tools`"
    );
    Ok(path)
}

/// The same of an older operator: `0.85.0` or `0.91.0`.
///
/// # Errors
/// Says what to type when it is not there.
pub fn older_crd(version: &str, plural: &str) -> Result<PathBuf> {
    let path = root().join(format!("target/tools/crds-{version}/{plural}.yaml"));
    ensure!(
        path.exists(),
        "the CRD of {plural} in {version} is not there yet: run `make tools`"
    );
    Ok(path)
}

/// One of our own programs, from the profile that built this test program.
///
/// # Errors
/// Says what to type when it is not there.
pub fn ours(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("the path of this program")?;
    // A test program is in `deps/`, a binary in the folder above.
    let folder = this.parent().context("a folder around this program")?;
    let folder = if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    let path = folder.join(name);
    ensure!(
        path.exists(),
        "{name} is not built yet: run `cargo build --workspace --bins`"
    );
    Ok(path)
}
