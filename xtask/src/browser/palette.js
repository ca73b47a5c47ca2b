// A PNG (base64) as a PNG of at most 96 colours, several times smaller: each colour becomes the nearest
// of those that are used most.
async (data) => {
  const bitmap = await createImageBitmap(await (await fetch("data:image/png;base64," + data)).blob());
  const { width, height } = bitmap;
  const pen = new OffscreenCanvas(width, height).getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  const seen = pen.getImageData(0, 0, width, height).data;

  const uses = new Map();
  const colour = (i) => (seen[i] & 0xfc) << 16 | (seen[i + 1] & 0xfc) << 8 | (seen[i + 2] & 0xfc);
  for (let i = 0; i < seen.length; i += 4) uses.set(colour(i), (uses.get(colour(i)) ?? 0) + 1);
  const parts = (c) => [c >> 16, c >> 8 & 255, c & 255];
  const kept = [...uses].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 96).map(([c]) => parts(c));
  const nearest = new Map();
  for (const c of uses.keys()) {
    const [r, g, b] = parts(c);
    let best = 0, least = Infinity;
    kept.forEach(([x, y, z], at) => {
      const far = (r - x) ** 2 + (g - y) ** 2 + (b - z) ** 2;
      if (far < least) [best, least] = [at, far];
    });
    nearest.set(c, best);
  }

  const rows = new Uint8Array((width + 1) * height);
  for (let y = 0, i = 0, to = 0; y < height; y++) {
    rows[to++] = 0;
    for (let x = 0; x < width; x++, i += 4) rows[to++] = nearest.get(colour(i));
  }
  const packed = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const pixels = new Uint8Array(await new Response(packed).arrayBuffer());

  const sums = Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ n >>> 1 : n >>> 1;
    return n >>> 0;
  });
  const chunk = (name, body) => {
    const all = new Uint8Array(12 + body.length), view = new DataView(all.buffer);
    view.setUint32(0, body.length);
    all.set([...name].map((c) => c.charCodeAt(0)), 4);
    all.set(body, 8);
    let sum = 0xffffffff;
    for (const byte of all.subarray(4, 8 + body.length)) sum = sums[(sum ^ byte) & 255] ^ sum >>> 8;
    view.setUint32(8 + body.length, (sum ^ 0xffffffff) >>> 0);
    return all;
  };
  const head = new Uint8Array(13), view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, 3, 0, 0, 0], 8);
  // What was rounded down above goes back to full white.
  const table = new Uint8Array(kept.flat().map((part) => part | part >> 6));
  const file = [
    new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", head), chunk("PLTE", table), chunk("IDAT", pixels), chunk("IEND", new Uint8Array()),
  ];
  const bytes = new Uint8Array(await new Blob(file).arrayBuffer());
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(text);
}
