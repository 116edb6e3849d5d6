# syntax=docker/dockerfile:1.6
# The loader alone, taken by its digest (dist/SHA256SUMS) from wherever a release lies:
#
#	docker build -t seccomp-load --build-arg SHA256=... --build-arg URL=https://.../seccomp-load-amd64 .
#
# An image copies it from there: COPY --from=seccomp-load /seccomp-load /
FROM scratch
ARG SHA256
ARG URL
ADD --checksum=sha256:${SHA256} --chmod=0755 ${URL} /seccomp-load
ENTRYPOINT ["/seccomp-load"]
