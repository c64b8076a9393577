# The action's image, and the program's: one static binary on nothing.
#
# GO_IMAGE is what the build stage stands on. CI hands in one made on the machine, where no registry is.
ARG GO_IMAGE=docker.io/library/golang:1.26
FROM --platform=${BUILDPLATFORM:-linux/amd64} ${GO_IMAGE} AS build
ARG VERSION=
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src
COPY . .
# The same source and the same Go give the same bytes: no paths, no symbols, the commit from .git where git is there.
# Time zones are inside of the binary. The action has names of its own: a container action can hand over an
# entrypoint safely, and no arguments.
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -trimpath -ldflags "-s -w${VERSION:+ -X main.version=${VERSION}}" -o /out/imagebuild ./cmd/imagebuild \
 && ln -s imagebuild /out/imagebuild-action \
 && ln -s imagebuild /out/imagebuild-action-post \
 && mkdir -p /out/etc/ssl/certs /out/tmp \
 && chmod 1777 /out/tmp \
 && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/

FROM scratch
ARG VERSION=
LABEL org.opencontainers.image.title="imagebuild" \
      org.opencontainers.image.description="Plans and builds machine images on AWS" \
      org.opencontainers.image.source="https://github.com/org/imagebuild-action" \
      org.opencontainers.image.documentation="https://github.com/org/imagebuild-action/blob/main/docs/action.md" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /out/ /
# No USER: the runner's workspace and file commands belong to whoever runs the runner, and GitHub wants root here.
ENTRYPOINT ["/imagebuild"]
