# Askwell as a container. There is no build step: Node 24 runs the TypeScript directly.
#   docker build -t askwell . && docker run -p 127.0.0.1:3000:3000 -e ALLOW_ANONYMOUS=on -v askwell-data:/data askwell
# In a container Askwell must listen on all addresses, so it does not start without keys (API_KEYS) unless
# ALLOW_ANONYMOUS=on states that something else restricts access. Here the port is published to this machine only.

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No production dependency needs an install script.
RUN npm ci --omit=dev --ignore-scripts
# --build-arg ONNX=yes adds what EMBEDDING_MODEL=onnx:… needs (330 MB).
ARG ONNX
RUN [ -z "$ONNX" ] || npm install --no-save --save-prod --omit=dev --ignore-scripts @huggingface/transformers

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
# The embedded database is in /data unless DATABASE_URL is set. The service writes nowhere else.
RUN install -d -o node -g node /data
COPY --from=packages /app/node_modules node_modules
COPY package.json openapi.yaml ./
COPY sql sql
COPY bin bin
COPY src src
# In addition to the service, up to PREPARE_WORKERS processes prepare documents and take up to PREPARE_MEMORY_MB each.
# A memory limit of the container must allow for all of them: `-m 4g` with the defaults, or less with lower settings
# (`-e PREPARE_WORKERS=1 -e PREPARE_MEMORY_MB=512`).
USER node
VOLUME /data
EXPOSE 3000
# Askwell finishes running requests before it exits: allow longer than DRAIN_SECONDS (`docker stop -t 40`).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/livez`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The flags keep V8 from using memory only because the machine has it (docs/operations/deploy.md#memory).
ENTRYPOINT ["node", "bin/askwell.js"]
CMD ["serve"]
