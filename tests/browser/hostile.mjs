// Manifests and commits of somebody who means harm.
const mark = "<script>alert(1)</script><img src=x onerror=alert(2)>";

export const subject = `innocent \u202e${mark}`;
export const author = `"Mallory" &lt; \u2066 'onerror= <mallory@example.com>`;

// A cluster that runs, with hostile values wherever a value may be anything, and one whose mistakes are quoted in findings.
export const files = {
  "shop/hostile.yaml": `
apiVersion: stackgres.io/v1
kind: SGPostgresConfig
metadata: {name: hostile, namespace: shop}
spec:
  postgresVersion: '17'
  postgresql.conf:
    search_path: ${JSON.stringify("javascript:alert(3)")}
    log_line_prefix: ${JSON.stringify(mark)}
    application_name: ${JSON.stringify("reversed \u202e gnp.txt \u2066")}
---
apiVersion: stackgres.io/v1
kind: SGCluster
metadata:
  name: hostile
  namespace: shop
  annotations: {note: ${JSON.stringify(mark)}}
spec:
  instances: 1
  postgres: {version: '17'}
  pods: {persistentVolume: {size: 5Gi}}
  configurations: {sgPostgresConfig: hostile}
`,
  "shop/<img src=x onerror=alert(4)>.yaml": `
apiVersion: stackgres.io/v1
kind: SGCluster
metadata: {name: mistaken, namespace: shop}
spec:
  instances: 1
  postgres: {version: '17'}
  pods: {persistentVolume: {size: 5Gi}}
  ${JSON.stringify("<script>alert(5)</script>\u202e")}: true
`,
};
