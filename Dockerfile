# Build: the toolchain and what the bundled C libraries want. Nothing of it is in the image.
FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc make perl libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/src/target --mount=type=cache,target=/usr/local/cargo/registry \
    cargo build --release --locked --bin trine && cp target/release/trine /trine && mkdir /data

# Run: the C library and one user without rights.
FROM debian:bookworm-slim
RUN useradd --system --uid 65532 --no-create-home trine
COPY --from=build /trine /usr/local/bin/trine
COPY --from=build /src/proto /srv/proto
COPY --from=build /src/config /srv/config
COPY --from=build --chown=trine:trine /data /data
USER trine
WORKDIR /srv
VOLUME /data
EXPOSE 8080 9090
# Inside a container the listeners must be reachable from outside of it. A public listener without
# authentication is refused at start; decide with TRINE__AUTH__ALLOW_ANONYMOUS=true or tokens.
ENV TRINE__HTTP__LISTEN=0.0.0.0:8080 TRINE__ADMIN__LISTEN=0.0.0.0:9090
ENV TRINE__DATABASE__PRIMARY=sqlite:/data/trine.db
ENTRYPOINT ["/usr/local/bin/trine"]
CMD ["serve"]
