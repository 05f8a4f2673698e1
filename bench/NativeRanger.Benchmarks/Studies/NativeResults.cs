namespace NativeRanger.Benchmarks.Studies;

/// <summary>A row of the native harness: a step against its limit (bench/native/report.h).</summary>
internal sealed record NativeMeasurement(
    string Study,
    string Algorithm,
    bool Centralised,
    string Type,
    string Isa,
    string Kernel,
    int Threads,
    long Tensors,
    long Rows,
    long Columns,
    bool ColumnMajor,
    long Elements,
    long WorkingSetBytes,
    double BytesPerElement,
    double NsPerElement,
    double GigabytesPerSecond,
    double LimitNsPerElement,
    bool LimitPrefetches,
    double RatioToLimit
);

/// <summary>A row of the native harness: a time against another.</summary>
internal sealed record NativeComparison(
    string Study,
    string Isa,
    string Type,
    long Elements,
    string Subject,
    string Baseline,
    double SubjectNs,
    double BaselineNs,
    double Ratio
);

/// <summary>The file of the native harness.</summary>
internal sealed record NativeResults(
    Circumstances Circumstances,
    IReadOnlyList<NativeMeasurement> Measurements,
    IReadOnlyList<NativeComparison> Comparisons
);
