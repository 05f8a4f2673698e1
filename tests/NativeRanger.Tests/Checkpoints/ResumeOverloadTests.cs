using MathNet.Numerics.LinearAlgebra;
using NativeRanger.Numerics;

namespace NativeRanger.Tests.Checkpoints;

/// <summary>There is a Resume for every Bind, from a file and from a stream.</summary>
public sealed class ResumeOverloadTests
{
    private static readonly Ranger Recipe = new() { LearningRate = 0.1 };

    private static readonly float[] Gradient = [1, 2, 3, 4, 5, 7];

    [Fact]
    public void Vectors() =>
        Check(
            values => Recipe.Bind(values),
            (values, path) => Recipe.Resume(values, path),
            (values, stream) => Recipe.Resume(values, stream)
        );

    [Fact]
    public void Matrices() =>
        Check(
            values => Recipe.Bind(values, rows: 2, columns: 3),
            (values, path) => Recipe.Resume(values, 2, 3, path),
            (values, stream) => Recipe.Resume(values, 2, 3, stream)
        );

    [Fact]
    public void Memory() =>
        Check(
            values => Recipe.Bind(values.AsMemory()),
            (values, path) => Recipe.Resume(values.AsMemory(), path),
            (values, stream) => Recipe.Resume(values.AsMemory(), stream)
        );

    [Fact]
    public void Parameters() =>
        Check(
            values => Recipe.Bind([Parameter.Of("p", values)]),
            (values, path) => Recipe.Resume([Parameter.Of("p", values)], path),
            (values, stream) => Recipe.Resume([Parameter.Of("p", values)], stream)
        );

    [Fact]
    public void Groups() =>
        Check(
            values => Recipe.Bind([new ParameterGroup<float>(Parameter.Of("p", values))]),
            (values, path) => Recipe.Resume([new ParameterGroup<float>(Parameter.Of("p", values))], path),
            (values, stream) => Recipe.Resume([new ParameterGroup<float>(Parameter.Of("p", values))], stream)
        );

    [Fact]
    public void MathNet_vectors() =>
        Check(
            values => Recipe.Bind(Vector<float>.Build.Dense(values)),
            (values, path) => Recipe.Resume(Vector<float>.Build.Dense(values), path),
            (values, stream) => Recipe.Resume(Vector<float>.Build.Dense(values), stream)
        );

    [Fact]
    public void MathNet_matrices() =>
        Check(
            values => Recipe.Bind(Matrix<float>.Build.Dense(2, 3, values), outputDimension: 1),
            (values, path) => Recipe.Resume(Matrix<float>.Build.Dense(2, 3, values), path, outputDimension: 1),
            (values, stream) => Recipe.Resume(Matrix<float>.Build.Dense(2, 3, values), stream, outputDimension: 1)
        );

    private static void Check(
        Func<float[], Stepper<float>> bind,
        Func<float[], string, Stepper<float>> resumeFile,
        Func<float[], Stream, Stepper<float>> resumeStream
    )
    {
        using var directory = new TemporaryDirectory();
        float[] straight = [6, 5, 4, 3, 2, 1];
        using var stepper = bind(straight);
        stepper.Step(Gradient);
        stepper.Save(directory.File("c"));
        using var saved = new MemoryStream();
        stepper.Save(saved);
        stepper.Step(Gradient);
        saved.Position = 0;
        var (fromFile, fromStream) = (new float[6], new float[6]);
        using var a = resumeFile(fromFile, directory.File("c"));
        using var b = resumeStream(fromStream, saved);
        a.Step(Gradient);
        b.Step(Gradient);
        Assert.Equal(straight, fromFile);
        Assert.Equal(straight, fromStream);
    }
}
