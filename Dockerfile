# syntax=docker/dockerfile:1
# oxbow serve, as a user who may write to /var/lib/oxbow and nowhere else:
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -v oxbow:/var/lib/oxbow \
#     -v ./tokens:/run/secrets/tokens:ro -p 127.0.0.1:7070:7070 oxbow
# See docs/deployment.md.

FROM node:22-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY . .
RUN node scripts/build.mjs && npm pack --ignore-scripts --pack-destination /packed

FROM node:22-bookworm-slim AS install
WORKDIR /opt/oxbow
COPY --from=build /packed /packed
RUN npm init --yes > /dev/null && npm install --omit=dev --ignore-scripts --no-audit --no-fund /packed/oxbow-*.tgz rxjs@^7.8.2

FROM node:22-bookworm-slim
ENV NODE_ENV=production
COPY --from=install /opt/oxbow /opt/oxbow
RUN groupadd --system --gid 10001 oxbow \
  && useradd --system --uid 10001 --gid oxbow --no-create-home --shell /usr/sbin/nologin oxbow \
  && install --directory --owner=oxbow --group=oxbow --mode=0750 /var/lib/oxbow
USER 10001:10001
WORKDIR /var/lib/oxbow
VOLUME /var/lib/oxbow
EXPOSE 7070
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7070/livez').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# As process 1 node has no default for SIGTERM; the command handles it by itself, and starts no processes that it would have to reap.
ENTRYPOINT ["node", "/opt/oxbow/node_modules/oxbow/dist/cli.js", "serve"]
CMD ["--host", "0.0.0.0", "--port", "7070", "--token-file", "/run/secrets/tokens", "--model", "default=/var/lib/oxbow/default"]
