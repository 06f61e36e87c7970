# docker build -t trine .
# docker run -p 8080:8080 -v trine:/data -e TRINE__AUTH__ALLOW_ANONYMOUS=true trine
#   the bundled microblog on SQLite in the volume. The variable says that everybody who reaches the port
#   may write; without it, and without authentication, the start is refused with a sentence that says so.
# docker run -p 8080:8080 -v ./proto:/srv/proto:ro -e TRINE__DATABASE__PRIMARY=postgres://… -e … trine
#   your own tables on your own PostgreSQL. Options go behind the command:
# docker run -p 8080:8080 -e … trine serve --role nanoservice --replica postgres://…

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
# The default database, sqlite:trine.db, lies in the volume. No variable names a primary: a nanoservice
# or microservice that finds one refuses to start.
WORKDIR /data
VOLUME /data
EXPOSE 8080 9090
# Inside a container the listeners must be reachable from outside of it. The admin listener (9090) is
# for probes and metrics; publish it to nobody else.
ENV TRINE__SCHEMA__PATHS='["/srv/proto"]' \
    TRINE__HTTP__LISTEN=0.0.0.0:8080 TRINE__ADMIN__LISTEN=0.0.0.0:9090
ENTRYPOINT ["/usr/local/bin/trine"]
CMD ["serve"]
