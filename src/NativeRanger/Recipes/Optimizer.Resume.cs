using System.Numerics;
using NativeRanger.Checkpoints;

namespace NativeRanger;

public abstract partial record Optimizer
{
    /// <summary>Binds the recipe to one vector and goes on from a checkpoint, as if never stopped.</summary>
    /// <remarks>
    /// Parameters are matched by name, in any order, and restored into the arrays; their groups must be the same. (Where
    /// <see cref="GradientOptimizer.ClipNorm"/> is set, the norm depends on the bind order in its last bit: keep it.) The
    /// recipe and the options of groups must be those that were bound then, unless
    /// <see cref="ResumeOptions.AllowChangedOptions"/> is set; options that were changed between steps are restored, and so are
    /// averages (<see cref="Stepper{T}.Averages"/>). Set <see cref="Stepper{T}.Schedule"/> again. Any backend can resume what
    /// another saved. Either everything is restored or nothing has changed; while it reads, there is one more copy of the
    /// parameters in memory.
    /// </remarks>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="values">The parameters; they receive the saved values.</param>
    /// <param name="path">The file that <see cref="Stepper{T}.Save(string, SaveOptions?)"/> wrote.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <param name="options">What may differ, and who is told of progress.</param>
    /// <exception cref="CheckpointMismatchException">The checkpoint is of something else; it lists all differences.</exception>
    /// <exception cref="InvalidDataException">The file is no checkpoint, or truncated, damaged or hostile.</exception>
    /// <exception cref="NotSupportedException">The file is of a newer version.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public Stepper<T> Resume<T>(T[] values, string path, Backend? backend = null, ResumeOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T> => Resume(() => Bind(values, backend), path, options);

    /// <summary>Binds the recipe to one vector and goes on from a checkpoint in a stream, which is left at its end.</summary>
    /// <inheritdoc cref="Resume{T}(T[], string, Backend?, ResumeOptions?)"/>
    /// <param name="values">The parameters; they receive the saved values.</param>
    /// <param name="stream">What <see cref="Stepper{T}.Save(Stream, SaveOptions?)"/> wrote; it need not be able to seek.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <param name="options">What may differ, and who is told of progress.</param>
    public Stepper<T> Resume<T>(T[] values, Stream stream, Backend? backend = null, ResumeOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T> => Resume(() => Bind(values, backend), stream, options);

    /// <summary>Binds the recipe to one row-major matrix, whose rows are the outputs, and goes on from a checkpoint.</summary>
    /// <inheritdoc cref="Resume{T}(T[], string, Backend?, ResumeOptions?)"/>
    /// <param name="values">The parameters, row by row; they receive the saved values.</param>
    /// <param name="rows">The number of rows (outputs).</param>
    /// <param name="columns">The number of columns (inputs).</param>
    /// <param name="path">The file that <see cref="Stepper{T}.Save(string, SaveOptions?)"/> wrote.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <param name="options">What may differ, and who is told of progress.</param>
    public Stepper<T> Resume<T>(
        T[] values,
        long rows,
        long columns,
        string path,
        Backend? backend = null,
        ResumeOptions? options = null
    )
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Resume(() => Bind(values, rows, columns, backend), path, options);

    /// <summary>Binds the recipe to one row-major matrix and goes on from a checkpoint in a stream, which is left at its end.</summary>
    /// <inheritdoc cref="Resume{T}(T[], string, Backend?, ResumeOptions?)"/>
    /// <param name="values">The parameters, row by row; they receive the saved values.</param>
    /// <param name="rows">The number of rows (outputs).</param>
    /// <param name="columns">The number of columns (inputs).</param>
    /// <param name="stream">What <see cref="Stepper{T}.Save(Stream, SaveOptions?)"/> wrote; it need not be able to seek.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <param name="options">What may differ, and who is told of progress.</param>
    public Stepper<T> Resume<T>(
        T[] values,
        long rows,
        long columns,
        Stream stream,
        Backend? backend = null,
        ResumeOptions? options = null
    )
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Resume(() => Bind(values, rows, columns, backend), stream, options);

    /// <summary>Binds the recipe to one vector in memory backed by an array and goes on from a checkpoint.</summary>
    /// <inheritdoc cref="Resume{T}(T[], string, Backend?, ResumeOptions?)"/>
    public Stepper<T> Resume<T>(Memory<T> values, string path, Backend? backend = null, ResumeOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T> => Resume(() => Bind(values, backend), path, options);

    /// <summary>Binds the recipe to one vector in memory backed by an array and goes on from a checkpoint in a stream.</summary>
    /// <inheritdoc cref="Resume{T}(T[], Stream, Backend?, ResumeOptions?)"/>
    public Stepper<T> Resume<T>(Memory<T> values, Stream stream, Backend? backend = null, ResumeOptions? options = null)
        where T : unmanaged, IFloatingPointIeee754<T> => Resume(() => Bind(values, backend), stream, options);

    /// <summary>Binds the recipe to several parameters, stepped by one call, and goes on from a checkpoint.</summary>
    /// <inheritdoc cref="Resume{T}(T[], string, Backend?, ResumeOptions?)"/>
    /// <param name="parameters">The parameters; they receive the saved values.</param>
    /// <param name="path">The file that <see cref="Stepper{T}.Save(string, SaveOptions?)"/> wrote.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <param name="options">What may differ, and who is told of progress.</param>
    public Stepper<T> Resume<T>(
        IEnumerable<Parameter<T>> parameters,
        string path,
        Backend? backend = null,
        ResumeOptions? options = null
    )
        where T : unmanaged, IFloatingPointIeee754<T> => Resume(() => Bind(parameters, backend), path, options);

    /// <summary>Binds the recipe to several parameters, stepped by one call, and goes on from a checkpoint in a stream.</summary>
    /// <inheritdoc cref="Resume{T}(T[], Stream, Backend?, ResumeOptions?)"/>
    /// <param name="parameters">The parameters; they receive the saved values.</param>
    /// <param name="stream">What <see cref="Stepper{T}.Save(Stream, SaveOptions?)"/> wrote; it need not be able to seek.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <param name="options">What may differ, and who is told of progress.</param>
    public Stepper<T> Resume<T>(
        IEnumerable<Parameter<T>> parameters,
        Stream stream,
        Backend? backend = null,
        ResumeOptions? options = null
    )
        where T : unmanaged, IFloatingPointIeee754<T> => Resume(() => Bind(parameters, backend), stream, options);

    /// <summary>Binds the recipe to groups of parameters, each with options of its own, and goes on from a checkpoint.</summary>
    /// <inheritdoc cref="Resume{T}(T[], string, Backend?, ResumeOptions?)"/>
    /// <param name="groups">The groups, those that were added later included; their parameters receive the saved values.</param>
    /// <param name="path">The file that <see cref="Stepper{T}.Save(string, SaveOptions?)"/> wrote.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <param name="options">What may differ, and who is told of progress.</param>
    public Stepper<T> Resume<T>(
        IEnumerable<ParameterGroup<T>> groups,
        string path,
        Backend? backend = null,
        ResumeOptions? options = null
    )
        where T : unmanaged, IFloatingPointIeee754<T> => Resume(() => Bind(groups, backend), path, options);

    /// <summary>Binds the recipe to groups of parameters and goes on from a checkpoint in a stream, which is left at its end.</summary>
    /// <inheritdoc cref="Resume{T}(T[], Stream, Backend?, ResumeOptions?)"/>
    /// <param name="groups">The groups, those that were added later included; their parameters receive the saved values.</param>
    /// <param name="stream">What <see cref="Stepper{T}.Save(Stream, SaveOptions?)"/> wrote; it need not be able to seek.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <param name="options">What may differ, and who is told of progress.</param>
    public Stepper<T> Resume<T>(
        IEnumerable<ParameterGroup<T>> groups,
        Stream stream,
        Backend? backend = null,
        ResumeOptions? options = null
    )
        where T : unmanaged, IFloatingPointIeee754<T> => Resume(() => Bind(groups, backend), stream, options);

    internal static Stepper<T> Resume<T>(Func<Stepper<T>> bind, string path, ResumeOptions? options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var file = Safetensors.Open(path);
        return CheckpointReader<T>.Resume(bind, file, path, options ?? new());
    }

    private static Stepper<T> Resume<T>(Func<Stepper<T>> bind, Stream stream, ResumeOptions? options)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(stream);
        return CheckpointReader<T>.Resume(bind, stream, path: null, options ?? new());
    }
}
