using MathNet.Numerics.LinearAlgebra;

namespace NativeRanger.Numerics;

/// <summary>Goes on from checkpoints with dense MathNet vectors and matrices, whose storage is shared.</summary>
public static class MathNetResume
{
    private const string DefaultName = "parameters";

    /// <summary>Binds the recipe to one dense vector and goes on from a checkpoint, as if never stopped.</summary>
    /// <remarks>What is restored, and what is refused, is as for arrays (<see cref="Optimizer"/>).</remarks>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="optimizer">The recipe.</param>
    /// <param name="values">The parameters; they receive the saved values.</param>
    /// <param name="path">The file that <c>Save</c> wrote.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <param name="options">What may differ, and who is told of progress.</param>
    /// <exception cref="ArgumentException">The vector is not dense.</exception>
    /// <exception cref="CheckpointMismatchException">The checkpoint is of something else; it lists all differences.</exception>
    /// <exception cref="InvalidDataException">The file is no checkpoint, or truncated, damaged or hostile.</exception>
    public static Stepper<T> Resume<T>(
        this Optimizer optimizer,
        Vector<T> values,
        string path,
        Backend? backend = null,
        ResumeOptions? options = null
    )
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return optimizer.Resume([Parameter.Of(DefaultName, values)], path, backend, options);
    }

    /// <summary>Binds the recipe to one dense vector and goes on from a checkpoint in a stream, which is left at its end.</summary>
    /// <inheritdoc cref="Resume{T}(Optimizer, Vector{T}, string, Backend?, ResumeOptions?)"/>
    /// <param name="optimizer">The recipe.</param>
    /// <param name="values">The parameters; they receive the saved values.</param>
    /// <param name="stream">What <c>Save</c> wrote; it need not be able to seek.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <param name="options">What may differ, and who is told of progress.</param>
    public static Stepper<T> Resume<T>(
        this Optimizer optimizer,
        Vector<T> values,
        Stream stream,
        Backend? backend = null,
        ResumeOptions? options = null
    )
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return optimizer.Resume([Parameter.Of(DefaultName, values)], stream, backend, options);
    }

    /// <summary>Binds the recipe to one dense matrix and goes on from a checkpoint, as if never stopped.</summary>
    /// <inheritdoc cref="Resume{T}(Optimizer, Vector{T}, string, Backend?, ResumeOptions?)"/>
    /// <param name="optimizer">The recipe.</param>
    /// <param name="values">The parameters; they receive the saved values.</param>
    /// <param name="path">The file that <c>Save</c> wrote.</param>
    /// <param name="outputDimension">The dimension of the outputs: 0 (default) with an output per row, 1 with one per column.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <param name="options">What may differ, and who is told of progress.</param>
    public static Stepper<T> Resume<T>(
        this Optimizer optimizer,
        Matrix<T> values,
        string path,
        int outputDimension = 0,
        Backend? backend = null,
        ResumeOptions? options = null
    )
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return optimizer.Resume([Parameter.Of(DefaultName, values, outputDimension)], path, backend, options);
    }

    /// <summary>Binds the recipe to one dense matrix and goes on from a checkpoint in a stream, which is left at its end.</summary>
    /// <inheritdoc cref="Resume{T}(Optimizer, Vector{T}, string, Backend?, ResumeOptions?)"/>
    /// <param name="optimizer">The recipe.</param>
    /// <param name="values">The parameters; they receive the saved values.</param>
    /// <param name="stream">What <c>Save</c> wrote; it need not be able to seek.</param>
    /// <param name="outputDimension">The dimension of the outputs: 0 (default) with an output per row, 1 with one per column.</param>
    /// <param name="backend">What carries out the steps; the native library by default.</param>
    /// <param name="options">What may differ, and who is told of progress.</param>
    public static Stepper<T> Resume<T>(
        this Optimizer optimizer,
        Matrix<T> values,
        Stream stream,
        int outputDimension = 0,
        Backend? backend = null,
        ResumeOptions? options = null
    )
        where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(optimizer);
        return optimizer.Resume([Parameter.Of(DefaultName, values, outputDimension)], stream, backend, options);
    }
}
