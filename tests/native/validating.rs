//! A policy as `ValidatingAdmissionPolicy` objects.
