// The chart of net exposure. Its data reloads when the figures above it refresh.
(() => {
  const RELOAD_AFTER_MS = 15_000;
  const HEIGHT = 220;
  const SECONDS_SHOWN_MIN = 900;
  const chart = document.getElementById("exposure-chart");
  const choice = document.getElementById("history-metal");
  const reading = document.getElementById("history-reading");
  let data = null;
  let plot = null;
  let loadedAt = 0;

  const colour = (name) => getComputedStyle(chart).getPropertyValue(name).trim();
  const number = (value, decimals) => value.toLocaleString("en-US", decimals).replace("-", "\u2212");
  const label = (value) => (value == null ? "" : number(value, { maximumFractionDigits: 4 }));
  // As app/kit/formatting.py writes ounces.
  const ounces = (value) =>
    value == null ? "" : `${number(value, { minimumFractionDigits: 4, maximumFractionDigits: 8 })} ozt`;

  async function load() {
    loadedAt = Date.now();
    try {
      const response = await fetch(chart.dataset.source, { headers: { "X-Unattended": "true" } });
      if (!response.ok || response.redirected) return;
      data = await response.json();
    } catch {
      return; // The note beside the heading says that nothing is updating.
    }
    draw();
  }

  function shadeBand(drawn, low, high) {
    const { ctx, bbox } = drawn;
    const clamp = (value) =>
      Math.min(bbox.top + bbox.height, Math.max(bbox.top, drawn.valToPos(value, "y", true)));
    ctx.save();
    ctx.fillStyle = colour("--chart-band");
    ctx.fillRect(bbox.left, clamp(high), bbox.width, clamp(low) - clamp(high));
    ctx.strokeStyle = colour("--chart-limit");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    for (const limit of [low, high]) {
      ctx.beginPath();
      ctx.moveTo(bbox.left, clamp(limit));
      ctx.lineTo(bbox.left + bbox.width, clamp(limit));
      ctx.stroke();
    }
    ctx.restore();
  }

  function draw() {
    if (data === null) return;
    const shown = data.metals.find((metal) => metal.metal === choice.value);
    const times = shown.times.map((time) => Date.parse(time) / 1000);
    const nets = shown.net.map(Number);
    const axis = {
      stroke: colour("--chart-text"),
      font: "12px system-ui, sans-serif",
      grid: { stroke: colour("--chart-grid"), width: 1 },
      ticks: { show: false },
    };
    plot?.destroy();
    plot = new uPlot(
      {
        width: chart.clientWidth,
        height: HEIGHT,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
        legend: { show: false },
        cursor: { y: false },
        padding: [8, 28, 0, 0],
        scales: { x: { range: span }, y: { range: (_plot, low, high) => reach(Math.min(low, shown.low), Math.max(high, shown.high)) } },
        axes: [
          { ...axis, values: [[3600, "{HH}:{mm}"], [60, "{HH}:{mm}"], [1, "{HH}:{mm}:{ss}"]].map(([step, text]) => [step, text, null, null, null, null, null, null, 1]) },
          { ...axis, size: 84, values: (_plot, ticks) => ticks.map(label) },
        ],
        series: [
          {},
          {
            // Exposure moves in steps: it stays the same until the next trade.
            paths: uPlot.paths.stepped({ align: 1 }),
            stroke: colour("--chart-line"),
            width: 2,
            points: { show: nets.length < 30, size: 5 },
          },
        ],
        hooks: { ready: [read], setCursor: [read], drawClear: [(drawn) => shadeBand(drawn, Number(shown.low), Number(shown.high))] },
      },
      [times, nets],
      chart,
    );
  }

  // Write the value under the pointer, or else the latest, as text.
  function read(shown) {
    const [times, nets] = shown.data;
    const at = shown.cursor.idx ?? times.length - 1;
    const time = new Date(times[at] * 1000).toISOString().slice(11, 19);
    reading.textContent = `${time} UTC: ${ounces(nets[at])}`;
  }

  // Show a minimum span of time, so that a short history does not fill the chart.
  function span(shown) {
    const [times] = shown.data;
    const to = times[times.length - 1];
    return [Math.min(times[0], to - SECONDS_SHOWN_MIN), to];
  }

  // Add a margin to what is shown: the line, and both limits of the band.
  function reach(low, high) {
    const room = Math.max((high - low) * 0.1, 0.001);
    return [low - room, high + room];
  }

  choice.addEventListener("change", draw);
  document.addEventListener("desk:refreshed", (event) => {
    if (event.detail === chart.dataset.follows && Date.now() - loadedAt >= RELOAD_AFTER_MS) load();
  });
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  new ResizeObserver(() => plot?.setSize({ width: chart.clientWidth, height: HEIGHT })).observe(chart);
  load();
})();
