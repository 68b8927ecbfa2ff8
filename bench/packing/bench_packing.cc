// bench_packing: what packing a matrix costs, in accuracy and in time.
//
//   bench_packing FILE COLS     FILE: f32 little-endian, rows of COLS; a multiple of 16 rows
//
// Prints for q8 and q4 the relative error, sqrt(sum (packed - w)^2 / sum w^2), and the weights
// packed in a second by one thread.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/kernels/pack.h"
#include "common/tensor/packed_matrix.h"

namespace windrose::bench {
namespace {

std::vector<float> ReadMatrix(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::vector<float> values(file ? static_cast<size_t>(file.tellg()) / sizeof(float) : 0);
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

void Measure(DType dtype, const std::vector<float>& values, size_t cols) {
  const SystemClock clock;
  const size_t panel_values = kPanelOutputs * cols;
  std::vector<std::byte> panel(PackedPanelBytes(dtype, cols));
  std::vector<float> read(cols);
  double error = 0;
  double square = 0;
  Duration spent{};
  for (size_t first = 0; first + panel_values <= values.size(); first += panel_values) {
    const TimePoint began = clock.Now();
    PackPanel(dtype, ConstRows(values.data() + first, kPanelOutputs, cols), panel);
    spent += clock.Now() - began;
    const WeightView view{dtype, panel.data(), kPanelOutputs, cols};
    for (size_t row = 0; row < kPanelOutputs; ++row) {
      ReadPackedRow(view, row, read);
      for (size_t i = 0; i < cols; ++i) {
        const double wanted = values[first + row * cols + i];
        error += (read[i] - wanted) * (read[i] - wanted);
        square += wanted * wanted;
      }
    }
  }
  std::printf("%s relative_error %.5f weights_per_second %.3g\n", NameOf(dtype).data(),
              std::sqrt(error / square), static_cast<double>(values.size()) / ToSeconds(spent));
}

}  // namespace
}  // namespace windrose::bench

int main(int argc, char** argv) {
  const size_t cols = argc == 3 ? std::strtoull(argv[2], nullptr, 10) : 0;
  const std::vector<float> values =
      cols > 0 ? windrose::bench::ReadMatrix(argv[1]) : std::vector<float>();
  if (values.empty() || values.size() % (windrose::kPanelOutputs * cols) != 0) {
    std::fprintf(stderr, "usage: %s FILE COLS, with f32 numbers in a multiple of 16 rows\n",
                 argv[0]);
    return 2;
  }
  windrose::bench::Measure(windrose::DType::kQ8, values, cols);
  windrose::bench::Measure(windrose::DType::kQ4, values, cols);
  windrose::bench::Measure(windrose::DType::kPackedBf16, values, cols);
  return 0;
}
