//! The ten providers of `thanos-io/objstore` as one table: every field, how Go decodes it, and what it is for.
//!
//! Read from the structs of <https://github.com/thanos-io/objstore> at 71d60dfee488, which Thanos 0.42.4 pins:
//! `client/factory.go`, `exthttp/transport.go`, `exthttp/tlsconfig.go` and `providers/*`. `tests/objstore.rs` holds the
//! table against that very package.

use super::checks::{self, Check};
use super::field::{
    Field, Role, Shape, duration, field, file, flag, group, int, map, must, named, secret, text,
};

/// Where the blocks are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are Thanos' own names")]
pub enum Provider {
    Gcs,
    S3,
    Azure,
    Swift,
    Cos,
    AliyunOss,
    Filesystem,
    Bos,
    Oci,
    Obs,
}

impl Provider {
    /// What `type` calls it.
    pub fn name(self) -> &'static str {
        self.definition().name
    }

    pub(super) fn definition(self) -> &'static Definition {
        // In the order of the enum, which a test holds.
        &PROVIDERS[self as usize]
    }
}

/// One provider.
pub(super) struct Definition {
    pub(super) provider: Provider,
    pub(super) name: &'static str,
    /// Whether keys that it does not know are refused; otherwise they are ignored.
    pub(super) strict: bool,
    /// Whether it never works without static credentials.
    pub(super) needs_static: bool,
    pub(super) fields: &'static [Field],
    /// What its own code refuses beyond that.
    pub(super) check: Check,
}

const BUCKET: Field = field("bucket", Shape::Text, Role::Bucket);
const ENDPOINT: Field = field("endpoint", Shape::Text, Role::Endpoint);

const HTTP: Field = group(
    "http_config",
    &[
        duration("idle_conn_timeout"),
        duration("response_header_timeout"),
        flag("insecure_skip_verify"),
        duration("tls_handshake_timeout"),
        duration("expect_continue_timeout"),
        int("max_idle_conns"),
        int("max_idle_conns_per_host"),
        int("max_conns_per_host"),
        group(
            "tls_config",
            &[
                file("ca_file"),
                file("cert_file"),
                file("key_file"),
                text("server_name"),
                flag("insecure_skip_verify"),
            ],
        ),
        flag("disable_compression"),
    ],
);

const OCI_HTTP: Field = group(
    "http_config",
    &[
        duration("idle_conn_timeout"),
        duration("response_header_timeout"),
        flag("insecure_skip_verify"),
        duration("tls_handshake_timeout"),
        duration("expect_continue_timeout"),
        int("max_idle_conns"),
        int("max_idle_conns_per_host"),
        int("max_conns_per_host"),
        flag("disable_compression"),
        field("client_timeout", Shape::GoDuration, Role::Plain),
    ],
);

/// In the order of [`Provider`].
pub(super) static PROVIDERS: [Definition; 10] = [
    Definition {
        provider: Provider::Gcs,
        name: "GCS",
        strict: true,
        needs_static: false,
        fields: &[
            must("bucket", Role::Bucket),
            field("service_account", Shape::Text, Role::ServiceAccount),
            flag("use_grpc"),
            int("grpc_conn_pool_size"),
            HTTP,
            int("chunk_size_bytes"),
            int("max_retries"),
        ],
        check: checks::gcs,
    },
    Definition {
        provider: Provider::S3,
        name: "S3",
        strict: true,
        needs_static: false,
        fields: &[
            BUCKET,
            must("endpoint", Role::Endpoint),
            text("region"),
            flag("disable_dualstack"),
            flag("aws_sdk_auth"),
            secret("access_key"),
            flag("insecure"),
            flag("signature_version2"),
            secret("secret_key"),
            secret("session_token"),
            map("put_user_metadata"),
            HTTP,
            group("trace", &[flag("enable")]),
            text("list_objects_version"),
            field("bucket_lookup_type", Shape::Lookup, Role::Plain),
            flag("send_content_md5"),
            flag("disable_multipart"),
            field("part_size", Shape::Uint, Role::Plain),
            group(
                "sse_config",
                &[
                    text("type"),
                    named("kms_key_id"),
                    map("kms_encryption_context"),
                    file("encryption_key"),
                ],
            ),
            text("sts_endpoint"),
            int("max_retries"),
        ],
        check: checks::s3,
    },
    Definition {
        provider: Provider::Azure,
        name: "AZURE",
        strict: true,
        needs_static: false,
        fields: &[
            named("az_tenant_id"),
            named("client_id"),
            secret("client_secret"),
            must("storage_account", Role::Account),
            secret("storage_account_key"),
            secret("storage_connection_string"),
            flag("storage_create_container"),
            must("container", Role::Bucket),
            ENDPOINT,
            named("user_assigned_id"),
            int("max_retries"),
            group("reader_config", &[int("max_retry_requests")]),
            group(
                "pipeline_config",
                &[
                    field("max_tries", Shape::Int32, Role::Plain),
                    duration("try_timeout"),
                    duration("retry_delay"),
                    duration("max_retry_delay"),
                ],
            ),
            HTTP,
            text("msi_resource"),
        ],
        check: checks::azure,
    },
    Definition {
        provider: Provider::Swift,
        name: "SWIFT",
        strict: true,
        needs_static: true,
        fields: &[
            int("auth_version"),
            field("auth_url", Shape::Text, Role::Endpoint),
            named("username"),
            named("user_domain_name"),
            named("user_domain_id"),
            named("user_id"),
            secret("password"),
            named("domain_id"),
            named("domain_name"),
            named("application_credential_id"),
            named("application_credential_name"),
            secret("application_credential_secret"),
            named("project_id"),
            named("project_name"),
            named("project_domain_id"),
            named("project_domain_name"),
            text("region_name"),
            field("container_name", Shape::Text, Role::Bucket),
            int("large_object_chunk_size"),
            text("large_object_segments_container_name"),
            int("retries"),
            duration("connect_timeout"),
            duration("timeout"),
            flag("use_dynamic_large_objects"),
            HTTP,
        ],
        check: checks::swift,
    },
    Definition {
        provider: Provider::Cos,
        name: "COS",
        strict: false,
        needs_static: true,
        fields: &[
            BUCKET,
            text("region"),
            named("app_id"),
            ENDPOINT,
            secret("secret_key"),
            secret("secret_id"),
            int("max_retries"),
            HTTP,
        ],
        check: checks::cos,
    },
    Definition {
        provider: Provider::AliyunOss,
        name: "ALIYUNOSS",
        strict: false,
        needs_static: true,
        fields: &[
            must("endpoint", Role::Endpoint),
            must("bucket", Role::Bucket),
            must("access_key_id", Role::StaticSecret),
            must("access_key_secret", Role::StaticSecret),
        ],
        check: checks::aliyun,
    },
    Definition {
        provider: Provider::Filesystem,
        name: "FILESYSTEM",
        strict: false,
        needs_static: false,
        fields: &[must("directory", Role::Bucket)],
        check: checks::nothing,
    },
    Definition {
        provider: Provider::Bos,
        name: "BOS",
        strict: false,
        needs_static: true,
        fields: &[
            must("bucket", Role::Bucket),
            must("endpoint", Role::Endpoint),
            must("access_key", Role::StaticSecret),
            must("secret_key", Role::StaticSecret),
        ],
        check: checks::nothing,
    },
    Definition {
        provider: Provider::Oci,
        name: "OCI",
        strict: false,
        needs_static: false,
        fields: &[
            text("provider"),
            BUCKET,
            named("compartment_ocid"),
            named("tenancy_ocid"),
            named("user_ocid"),
            text("region"),
            named("fingerprint"),
            secret("privatekey"),
            secret("passphrase"),
            int("part_size"),
            int("max_request_retries"),
            int("request_retry_interval"),
            OCI_HTTP,
        ],
        check: checks::oci,
    },
    Definition {
        provider: Provider::Obs,
        name: "OBS",
        strict: true,
        needs_static: true,
        fields: &[
            BUCKET,
            must("endpoint", Role::Endpoint),
            must("access_key", Role::StaticSecret),
            must("secret_key", Role::StaticSecret),
            int("max_retries"),
            HTTP,
        ],
        check: checks::obs,
    },
];
