// Late pictures: the address waits in data-src and data-srcset until the picture comes near.
const show = (image) => {
  if (image.dataset.srcset) { image.sizes = "45vw"; image.srcset = image.dataset.srcset; }
  image.src = image.dataset.src;
  image.classList.remove("lazy");
};
const late = document.querySelectorAll("img.lazy");
if ("IntersectionObserver" in window) {
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) { watch.unobserve(entry.target); show(entry.target); }
    }
  }, { rootMargin: "600px" });
  late.forEach((image) => watch.observe(image));
} else {
  late.forEach(show);
}
