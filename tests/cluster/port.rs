//! Free loopback ports that no other test of this machine is given at the same time.

use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result};

/// Below the range from which the kernel takes the ports of outgoing connections (32768 on Linux, 49152 elsewhere):
/// between our look and the program's own bind no connection can take one of these.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// A port of 127.0.0.1 that is ours until this value is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// A lock on a file that is named after the port, shared by every checkout on this machine. It goes with the
    /// process that holds it, however that ends.
    _held: File,
}

impl Port {
    /// Takes a port that nobody listens on and no other test holds.
    ///
    /// # Errors
    /// When the folder of the locks cannot be made, or every port is taken.
    pub fn take() -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = std::env::temp_dir().join("kubectl-thanos-ports");
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        // Two test programs start far apart, so that they seldom try the same port.
        let start = std::process::id().wrapping_mul(97);
        (0..COUNT)
            .find_map(|_| {
                let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
                let number = u16::try_from(FIRST + offset).ok()?;
                let path = folder.join(number.to_string());
                let held = OpenOptions::new()
                    .create(true)
                    .truncate(false)
                    .write(true)
                    .open(path)
                    .ok()?;
                held.try_lock().ok()?;
                TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, number)).ok()?;
                Some(Self {
                    number,
                    _held: held,
                })
            })
            .context("no free port on 127.0.0.1")
    }

    /// The number alone.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}
