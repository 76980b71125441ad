# The image of thanos-webhook: one static program, no shell, no root.
# Alpine's toolchain builds for musl, so the program needs nothing of the image that it runs in.
FROM docker.io/library/rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package thanos-webhook

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /src/target/release/thanos-webhook /thanos-webhook
USER 65532:65532
EXPOSE 8443 9443
ENTRYPOINT ["/thanos-webhook"]
