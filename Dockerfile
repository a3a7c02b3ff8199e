FROM docker.io/library/golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/tributary ./cmd/tributary && mkdir /out/data

# Nothing but the program: certificates and time zones are inside it.
FROM scratch
COPY --from=build /out/tributary /tributary
COPY tributary.yaml /tributary.yaml
COPY seeds /seeds
COPY --from=build --chown=65532:65532 /out/data /data
ENV TRIBUTARY_LISTEN=0.0.0.0:8080 TRIBUTARY_DATA=/data TRIBUTARY_SEEDS=/seeds
USER 65532:65532
EXPOSE 8080
VOLUME ["/data", "/seeds"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["/tributary", "health"]
ENTRYPOINT ["/tributary"]
CMD ["serve"]
