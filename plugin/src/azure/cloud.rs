//! Which of Azure's clouds: by the authority that logs in, as azure_identity takes it from the environment.

use url::Url;

use crate::failure::Failure;
use crate::surroundings::Surroundings;

/// The variable that azure_identity reads; a pod with a workload identity is given it.
const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";

/// Authority's host, ARM's address. ARM's own address is what its tokens are for.
const CLOUDS: [(&str, &str); 3] = [
    ("login.microsoftonline.com", "https://management.azure.com"),
    (
        "login.microsoftonline.us",
        "https://management.usgovcloudapi.net",
    ),
    (
        "login.chinacloudapi.cn",
        "https://management.chinacloudapi.cn",
    ),
];

/// Where ARM is, and what tokens for it are asked for.
#[derive(Clone, Debug)]
pub(super) struct Cloud {
    pub(super) arm: Url,
    pub(super) arm_scope: String,
}

impl Cloud {
    /// `arm_endpoint` wins over what the authority says.
    pub(super) fn new(around: &Surroundings, arm_endpoint: Option<&str>) -> Result<Self, Failure> {
        let host = around
            .variable(AUTHORITY)
            .and_then(|authority| Url::parse(authority).ok())
            .and_then(|authority| authority.host_str().map(str::to_owned));
        let known = CLOUDS
            .iter()
            .find(|(authority, _)| host.as_deref() == Some(authority))
            .unwrap_or(&CLOUDS[0]);
        let said = arm_endpoint.unwrap_or(known.1);
        let arm = Url::parse(said)
            .ok()
            .filter(|url| url.scheme() == "https" && url.host_str().is_some())
            .ok_or_else(|| {
                Failure::usage(format!("{said} is no address of Azure Resource Manager"))
                    .hint("give an https address, such as https://management.azure.com")
            })?;
        Ok(Self {
            arm,
            arm_scope: format!("{}/.default", known.1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_says_which_cloud() {
        let at = |authority: &str| {
            let around = Surroundings::bare().with(AUTHORITY, authority);
            let cloud = Cloud::new(&around, None).unwrap();
            format!("{} {}", cloud.arm, cloud.arm_scope)
        };
        assert_eq!(
            at("https://login.microsoftonline.us/"),
            "https://management.usgovcloudapi.net/ https://management.usgovcloudapi.net/.default"
        );
        assert!(at("https://login.chinacloudapi.cn").contains("management.chinacloudapi.cn"));
        assert!(at("https://login.microsoftonline.com").contains("https://management.azure.com/"));
    }

    #[test]
    fn an_address_must_be_https() {
        let refused = Cloud::new(&Surroundings::bare(), Some("http://localhost")).unwrap_err();
        assert_eq!(refused.kind.exit_code(), 2);
    }
}
